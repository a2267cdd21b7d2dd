"""What the methods have in common that read a batch of each set, or of the forget set alone."""

from __future__ import annotations

import pytest
import torch

from uqs import registry
from uqs.methods.base import Step, trainable
from uqs.methods.cards.ascent import CARDS
from uqs.models.vlm import IGNORED

STEPS = 20
PAIRED = [card.name for card in CARDS if card.name != "gradient_ascent"]


def made(name: str, **settings):  # type: ignore[no-untyped-def]
    method = registry.get("method", name)
    return method(method.card.settings(steps=STEPS, batch_size=3, **settings))


@pytest.mark.parametrize("name", PAIRED)
def test_each_set_is_asked_with_its_true_answers(make_vlm, halves, drawn, name) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    streams = made(name).streams(vlm, halves, torch.Generator())
    assert set(streams) == {"forget", "retain"}
    batches = drawn(vlm, streams, forget=range(9), retain=range(9))
    for part, split in halves.items():
        for row, sample in zip(batches[part].labels, split.samples, strict=True):
            *answer, end = row[row != IGNORED].tolist()
            assert vlm.tokenizer.decode(answer) == sample.answer
            assert end == vlm.tokenizer.eos_token_id


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_step_takes_the_passes_that_its_card_says(memorised, halves, drawn, card) -> None:  # type: ignore[no-untyped-def]
    vlm, method = memorised(), made(card.name)
    streams = method.streams(vlm, halves, torch.Generator())
    passes = {True: 0, False: 0}

    def count(*_: object) -> None:
        passes[torch.is_grad_enabled()] += 1

    # a layer's hook also keeps the tiny model to its whole pass
    handle = vlm.decoder.layers[0].register_forward_hook(count)
    for number in range(STEPS):
        step = Step(number, STEPS)
        method.loss(vlm, drawn(vlm, streams, forget=[0], retain=[0]), step)
    handle.remove()
    assert passes[True] / STEPS == card.passes.training
    assert passes[False] / STEPS == card.passes.forward


@pytest.mark.parametrize("number", [0, STEPS - 1])
@pytest.mark.parametrize("kind", ["lora", "full"])
@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_it_works_in_half_precision_too(  # type: ignore[no-untyped-def]
    memorised, halves, drawn, shake, card, kind, number
) -> None:
    vlm, method = memorised(kind), made(card.name)
    streams = method.streams(vlm, halves, torch.Generator())
    shake(vlm)
    step = Step(number, STEPS)
    batches = {"forget": range(9), "retain": range(9)}
    with torch.no_grad():
        whole = float(method.loss(vlm, drawn(vlm, streams, **batches), step))
    with torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False):
        loss = method.loss(vlm, drawn(vlm, streams, **batches), step)
    assert loss.dtype == torch.float32
    assert float(loss.detach()) == pytest.approx(whole, rel=0.1, abs=0.02)
    loss.backward()
    gradients = [p.grad for p in trainable(vlm).values() if p.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert any(gradient.abs().max() > 0 for gradient in gradients)
