from __future__ import annotations

import math

import pytest
import torch

from uqs.methods.base import Step
from uqs.methods.cards.ascent import GRAD_DIFF
from uqs.methods.grad_diff import GradDiff

ONCE = Step(0, 1)


def method(**settings) -> GradDiff:  # type: ignore[no-untyped-def]
    return GradDiff(GRAD_DIFF.settings(**settings))


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0, 3.0])
def test_retain_loss_minus_forget_loss(table, rows, drawn, weight) -> None:  # type: ignore[no-untyped-def]
    vlm = table([[[1 / 2, 1 / 4, 1 / 4]], [[1 / 8, 3 / 4, 1 / 8]]], [[0], [2]])
    diff = method(batch_size=1, retain_weight=weight)
    streams = diff.streams(vlm, rows([0], [1]), torch.Generator())
    loss = diff.loss(vlm, drawn(vlm, streams, forget=[0], retain=[0]), ONCE)
    assert float(loss.detach()) == pytest.approx(-math.log(2) + weight * math.log(8))
    loss.backward()
    # of a cross-entropy: probabilities minus one at the answer; of the forget loss the other way round
    assert vlm.logits.grad[0, 0].tolist() == pytest.approx([1 / 2, -1 / 4, -1 / 4])
    assert vlm.logits.grad[1, 0].tolist() == pytest.approx(
        [weight / 8, weight * 3 / 4, -weight * 7 / 8]
    )


def test_no_weight_draws_no_retain_batch(table, rows, drawn) -> None:  # type: ignore[no-untyped-def]
    vlm = table([[[1 / 2, 1 / 2]], [[1 / 4, 3 / 4]]], [[0], [1]])
    diff = method(batch_size=1, retain_weight=0.0)
    streams = diff.streams(vlm, rows([0], [1]), torch.Generator())
    loss = diff.loss(vlm, drawn(vlm, streams, forget=[0]), ONCE)
    assert float(loss.detach()) == pytest.approx(-math.log(2))


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_equals_plain_losses_of_a_model(memorised, halves, drawn, plain_loss, kind) -> None:  # type: ignore[no-untyped-def]
    vlm = memorised(kind)
    diff = method(batch_size=4, retain_weight=2.0)
    streams = diff.streams(vlm, halves, torch.Generator())
    batches = drawn(vlm, streams, forget=[0, 1, 2, 8], retain=[4, 0, 7, 2])
    expected = 2 * plain_loss(vlm, streams["retain"].encoded, [4, 0, 7, 2]) - plain_loss(
        vlm, streams["forget"].encoded, [0, 1, 2, 8]
    )
    assert float(diff.loss(vlm, batches, ONCE).detach()) == pytest.approx(expected, rel=1e-4)


def test_a_run_forgets_and_the_retain_loss_protects(memorised, halves, run, plain_loss) -> None:  # type: ignore[no-untyped-def]
    found = {}
    for weight in (0.0, 1.0):
        vlm = memorised()
        encoded = {name: vlm.encode(split.samples) for name, split in halves.items()}
        before = plain_loss(vlm, encoded["forget"], range(9))
        run(vlm, method(steps=20, lr=1.5e-3, batch_size=9, retain_weight=weight), halves)
        assert plain_loss(vlm, encoded["forget"], range(9)) > before + 1
        found[weight] = plain_loss(vlm, encoded["retain"], range(9))
    assert found[1.0] < 0.3 * found[0.0]
