from __future__ import annotations

import pytest
import torch

from uqs.models import adapter, short_pass
from uqs.models.settings import AdapterSettings
from uqs.models.vlm import IGNORED, VLM

LORA = AdapterSettings(kind="lora", r=4, alpha=8, targets="language.all+projector")
FULL = AdapterSettings(kind="full")


def trainable(vlm: VLM, settings: AdapterSettings) -> None:
    adapter.attach(vlm, settings, seed=1)
    generator = torch.Generator().manual_seed(2)
    for name, parameter in vlm.model.named_parameters():
        if "lora_B" in name:  # 0 at the start: no update, and no gradient of the other factor
            parameter.data = 0.1 * torch.randn(parameter.shape, generator=generator)


@pytest.mark.parametrize("settings", [LORA, FULL], ids=["lora", "full"])
@pytest.mark.parametrize("pictured", [True, False])
def test_it_gives_the_models_own_logits_and_gradients(
    make_vlm, samples, settings, pictured
) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    trainable(vlm, settings)
    encoded = vlm.encode(samples)
    rows = [i for i, place in enumerate(encoded.picture) if pictured or place < 0]
    assert rows
    batch = vlm.batch(encoded, rows)
    assert short_pass.fits(vlm)
    found = []
    for logits_of in (VLM.answer_logits, short_pass.answer_logits):
        vlm.model.zero_grad(set_to_none=True)
        logits, labels = logits_of(vlm, batch)
        answer = logits[labels != IGNORED]
        (answer.logsumexp(-1) * torch.arange(1, len(answer) + 1)).sum().backward()
        grads = {n: p.grad for n, p in vlm.model.named_parameters() if p.grad is not None}
        found.append((answer.detach(), labels, grads))
    (own, own_labels, own_grads), (short, labels, grads) = found
    assert torch.equal(labels, own_labels)
    torch.testing.assert_close(short, own, rtol=1e-4, atol=1e-4)
    assert grads.keys() == own_grads.keys()
    for name, grad in grads.items():
        size = float(own_grads[name].abs().max())
        torch.testing.assert_close(grad, own_grads[name], rtol=1e-3, atol=1e-3 * size + 1e-6)


def test_the_tiny_model_takes_it(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    batch = vlm.batch(vlm.encode(samples), range(4))
    assert torch.equal(vlm.answer_logits(batch)[0], short_pass.answer_logits(vlm, batch)[0])


def test_what_is_hung_on_a_layer_is_not_passed_over(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    trainable(vlm, LORA)
    batch = vlm.batch(vlm.encode(samples), range(4))
    before = vlm.answer_logits(batch)[0]
    hook = vlm.decoder.layers[0].mlp.register_forward_hook(lambda _, __, out: out * 0)
    assert not short_pass.fits(vlm)
    assert (vlm.answer_logits(batch)[0] - before).abs().max() > 1e-3
    hook.remove()
    assert short_pass.fits(vlm)


def test_half_precision_checkpointing_and_a_switched_off_adapter_are_left_to_the_model(
    make_vlm,
) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    trainable(vlm, LORA)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not short_pass.fits(vlm)
    with vlm.model.disable_adapter():
        assert not short_pass.fits(vlm)
    vlm.plain_model.activation_checkpointing_enable()
    assert not short_pass.fits(vlm)
    vlm.plain_model.activation_checkpointing_disable()
    vlm.plain_model.disable_input_require_grads()  # hung on with it, as the trainer takes it off
    assert short_pass.fits(vlm)
    vlm.model.to(torch.bfloat16)
    assert not short_pass.fits(vlm)
