from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from uqs.methods.base import Batches, Step, trainable
from uqs.methods.cards.labels import RandomLabelsSettings, SalUnSettings
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.random_labels import RandomLabels, relabel
from uqs.methods.salun import SalUn, saliency_masks
from uqs.methods.trainer import Schedule, train
from uqs.models.adapter import attach
from uqs.models.settings import AdapterSettings
from uqs.models.vlm import IGNORED
from uqs.records import Split

ADAPTERS = pytest.mark.parametrize(
    "adapter", [AdapterSettings(r=2), AdapterSettings(kind="full")], ids=["lora", "full"]
)


def data_of(samples):  # type: ignore[no-untyped-def]
    return {
        "forget": Split("forget", tuple(samples[:9])),
        "retain": Split("retain", tuple(samples[9:])),
    }


def moved(vlm, settings):  # type: ignore[no-untyped-def]
    """An adapter whose factors are both not 0, or all weights."""
    attach(vlm, settings, seed=0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in trainable(vlm).values():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return vlm


def joined(tensors, vlm):  # type: ignore[no-untyped-def]
    return torch.cat([tensors[name].flatten() for name in trainable(vlm)])


def slow_gradient(vlm, encoded):  # type: ignore[no-untyped-def]
    """Of the mean cross-entropy over all answer tokens, one sample at a time."""
    total = sum(len(answer) for answer in encoded.answers)
    vlm.model.zero_grad()
    for i in range(len(encoded)):
        ids = torch.tensor([encoded.prompts[i] + encoded.answers[i]])
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), **encoded.shown([i])}
        k = len(encoded.answers[i])
        logits = vlm.model(**inputs).logits[0, -k - 1 : -1]
        (cross_entropy(logits, ids[0, -k:], reduction="sum") / total).backward()
    found = {
        name: torch.zeros_like(p) if p.grad is None else p.grad.clone()
        for name, p in trainable(vlm).items()
    }
    vlm.model.zero_grad(set_to_none=True)
    return found


@ADAPTERS
@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_the_mask_is_the_most_salient_share(make_vlm, samples, adapter, share) -> None:  # type: ignore[no-untyped-def]
    vlm = moved(make_vlm(), adapter)
    encoded = vlm.encode(samples)  # more than are in memory at a time, of several lengths
    mask = joined(saliency_masks(vlm, encoded, share), vlm)
    saliency = joined(slow_gradient(vlm, encoded), vlm).abs()
    assert int(mask.sum()) == round(share * mask.numel())
    if share < 1:
        kept, dropped = saliency[mask].min(), saliency[~mask].max()
        assert kept >= dropped - 1e-5 * saliency.max()
    assert all(p.grad is None for p in vlm.model.parameters())


def test_weights_that_the_forget_loss_does_not_use_are_not_salient(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = moved(make_vlm(), AdapterSettings(r=2, targets="language.all+projector"))
    in_text = [s for s in samples if s.picture is None]
    masks = saliency_masks(vlm, vlm.encode(in_text), 0.5)
    projector = [mask for name, mask in masks.items() if "projector" in name]
    assert projector
    assert not any(mask.any() for mask in projector)


@ADAPTERS
def test_weights_outside_the_mask_stay_bit_for_bit(make_vlm, samples, adapter) -> None:  # type: ignore[no-untyped-def]
    vlm = moved(make_vlm(), adapter)
    before = {name: p.detach().clone() for name, p in trainable(vlm).items()}
    method = SalUn(SalUnSettings(steps=4, batch_size=6, mask_share=0.3))
    generator = torch.Generator().manual_seed(0)
    streams = method.streams(vlm, data_of(samples), generator)
    train(vlm, method, streams, Schedule(4, 1e-2), generator)
    for name, parameter in trainable(vlm).items():
        kept = ~method.masks[name]
        assert torch.equal(parameter[kept], before[name][kept])
    changed = sum(int((p != before[n]).sum()) for n, p in trainable(vlm).items())
    assert changed > 0.8 * sum(int(m.sum()) for m in method.masks.values())


def test_labels_and_loss_are_those_of_random_labels(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = moved(make_vlm(), AdapterSettings(r=2))
    data = data_of(samples)
    salun = SalUn(SalUnSettings(batch_size=6, retain_weight=2.0))
    streams = salun.streams(vlm, data, torch.Generator().manual_seed(4))
    wrong = relabel(samples[:9], samples, torch.Generator().manual_seed(4))
    labels = vlm.batch(streams["forget"].encoded, range(9)).labels
    assert {s.task for s in wrong} == {"short", "classification", "cloze"}
    for row, old, new in zip(labels, samples[:9], wrong, strict=True):
        spelled = vlm.tokenizer(new.answer, add_special_tokens=False)["input_ids"]
        assert new.answer != old.answer
        assert row[row != IGNORED].tolist() == [*spelled, vlm.tokenizer.eos_token_id]
    assert streams["retain"].encoded.answers == vlm.encode(samples[9:]).answers
    plain = RandomLabels(RandomLabelsSettings(batch_size=6, retain_weight=2.0))
    batches = Batches(vlm, streams, {"forget": [0, 4], "retain": [1, 2]}.__getitem__)
    with torch.no_grad():
        found = float(salun.loss(vlm, batches, Step(0, 1)))
        assert found == float(plain.loss(vlm, batches, Step(0, 1)))
        parts = [float(answer_cross_entropy(vlm, batches[name])) for name in ("forget", "retain")]
    assert found == pytest.approx(parts[0] + 2 * parts[1], rel=1e-5)


def test_a_run_learns_wrong_answers_and_its_retain_term_protects(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    retain = {}
    for weight in (0.0, 1.0):
        vlm = moved(make_vlm(), AdapterSettings(kind="full"))
        method = SalUn(SalUnSettings(batch_size=6, retain_weight=weight))
        streams = method.streams(vlm, data_of(samples), torch.Generator().manual_seed(0))
        before = loss_of(vlm, streams["forget"].encoded)
        train(vlm, method, streams, Schedule(8, 3e-3), torch.Generator().manual_seed(0))
        assert loss_of(vlm, streams["forget"].encoded) < before - 0.5
        retain[weight] = loss_of(vlm, streams["retain"].encoded)
    assert retain[1.0] < retain[0.0]


def loss_of(vlm, encoded) -> float:  # type: ignore[no-untyped-def]
    with torch.no_grad():
        return float(answer_cross_entropy(vlm, vlm.batch(encoded, range(len(encoded)))))
