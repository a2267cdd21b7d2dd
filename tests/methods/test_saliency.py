from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from uqs.methods.base import trainable
from uqs.methods.saliency import ratio_masks, squared_gradients
from uqs.models.adapter import attach
from uqs.models.settings import AdapterSettings

BOTH = AdapterSettings(r=2, targets="language.all+projector")


def plain_gradients(vlm, encoded, indices):  # type: ignore[no-untyped-def]
    """Of the mean loss of some questions' answer tokens, each question in a forward pass of its own."""
    vlm.model.zero_grad()
    total = sum(len(encoded.answers[i]) for i in indices)
    for i in indices:
        ids = torch.tensor([encoded.prompts[i] + encoded.answers[i]])
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), **encoded.shown([i])}
        k = len(encoded.answers[i])
        logits = vlm.model(**inputs).logits[0, -k - 1 : -1]
        (cross_entropy(logits, ids[0, -k:], reduction="sum") / total).backward()
    found = {name: p.grad.clone() for name, p in trainable(vlm).items() if p.grad is not None}
    vlm.model.zero_grad()
    return found


@pytest.mark.parametrize("settings", [BOTH, AdapterSettings(kind="full")], ids=["lora", "full"])
def test_the_mean_over_batches_of_the_squared_gradient(  # type: ignore[no-untyped-def]
    make_vlm, samples, shake, settings
) -> None:
    vlm = make_vlm()
    attach(vlm, settings, seed=0)
    shake(vlm)
    encoded = vlm.encode(samples[:6])  # with a picture: 0, 1, 3 and 4; without: 2 and 5
    found = squared_gradients(vlm, encoded, 3)
    batches = [plain_gradients(vlm, encoded, some) for some in ([0, 1, 3], [4], [2, 5])]
    assert all(p.grad is None for p in vlm.model.parameters())
    assert set(found) == set(trainable(vlm))
    for name, squares in found.items():
        # a batch without pictures has no say in what reads pictures
        used = [one[name].double().square() for one in batches if name in one]
        if not used:  # CLIP's last norm, behind the layer that LLaVA reads
            assert not squares.any()
            continue
        assert len(used) == (2 if "projector" in name or "vision" in name else 3)
        expected = sum(used) / len(used)
        assert torch.allclose(squares.double(), expected, rtol=1e-2, atol=1e-12)


def test_a_mask_is_where_the_ratio_reaches_the_threshold() -> None:
    of = {"a": torch.tensor([4.0, 1.0, 0.0, 0.0]), "b": torch.tensor([[3.0], [1e-30]])}
    to = {"a": torch.tensor([2.0, 2.0, 0.0, 1.0]), "b": torch.tensor([[1.0], [1e-16]])}
    at_one = ratio_masks(of, to, 1.0)
    assert at_one["a"].tolist() == [True, False, True, False]  # 0 / 0 counts as 1
    assert at_one["b"].tolist() == [[True], [False]]
    at_two = ratio_masks(of, to, 2.0)
    assert at_two["a"].tolist() == [True, False, False, False]
    assert at_two["b"].tolist() == [[True], [False]]
    assert ratio_masks(of, to, 0.5)["a"].tolist() == [True, True, True, False]
