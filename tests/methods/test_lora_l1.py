from __future__ import annotations

import math

import pytest
import torch

from uqs.methods.base import Step, trainable
from uqs.methods.cards.ascent import LORA_L1
from uqs.methods.lora_l1 import LoraL1

ONCE = Step(0, 1)


def method(**settings) -> LoraL1:  # type: ignore[no-untyped-def]
    return LoraL1(LORA_L1.settings(**settings))


def test_grad_diff_and_the_absolute_changes_of_the_weights(table, rows, drawn) -> None:  # type: ignore[no-untyped-def]
    vlm = table([[[1 / 2, 1 / 2]], [[1 / 2, 1 / 2]]], [[0], [1]])
    penalised = method(batch_size=1, retain_weight=2.0, l1=0.3)
    streams = penalised.streams(vlm, rows([0], [1]), torch.Generator())
    places = {"forget": [0], "retain": [0]}
    start = penalised.loss(vlm, drawn(vlm, streams, **places), ONCE)
    assert float(start.detach()) == pytest.approx(math.log(2))  # nothing has changed yet
    # from log 1/2 both to log 1/8 and log 1/2, and to log 1/4 and log 1
    vlm.set(torch.tensor([[[1 / 8, 1 / 2]], [[1 / 4, 1.0]]]).log())
    loss = penalised.loss(vlm, drawn(vlm, streams, **places), ONCE)
    forget, retain = math.log(5), math.log(5 / 4)
    changed = math.log(4) + 0 + math.log(2) + math.log(2)
    assert float(loss.detach()) == pytest.approx(-forget + 2 * retain + 0.3 * changed)
    loss.backward()
    assert vlm.logits.grad[0, 0].tolist() == pytest.approx([4 / 5 - 0.3, -4 / 5])
    assert vlm.logits.grad[1, 0].tolist() == pytest.approx([2 / 5 - 0.3, -2 / 5 + 0.3])


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_the_penalty_is_on_trained_weights_alone_and_its_start_stays(  # type: ignore[no-untyped-def]
    memorised, halves, drawn, shake, plain_loss, kind
) -> None:
    original, vlm = memorised(kind), memorised(kind)
    penalised = method(batch_size=4, l1=0.05)
    streams = penalised.streams(vlm, halves, torch.Generator())
    shake(vlm)
    before = dict(original.model.named_parameters())
    changed = sum(
        float((p.detach().double() - before[name].detach().double()).abs().sum())
        for name, p in vlm.model.named_parameters()  # what is frozen has not changed
    )
    assert changed > 1
    expected = (
        plain_loss(vlm, streams["retain"].encoded, [4, 0, 7, 2])
        - plain_loss(vlm, streams["forget"].encoded, [0, 1, 2, 8])
        + 0.05 * changed
    )
    batches = drawn(vlm, streams, forget=[0, 1, 2, 8], retain=[4, 0, 7, 2])
    assert float(penalised.loss(vlm, batches, ONCE).detach()) == pytest.approx(expected, rel=1e-4)


def test_a_run_forgets_and_the_penalty_keeps_changes_small(
    memorised, halves, run, plain_loss
) -> None:  # type: ignore[no-untyped-def]
    changed, retained = {}, {}
    for l1 in (0.0, 0.003):
        vlm = memorised()
        encoded = {name: vlm.encode(split.samples) for name, split in halves.items()}
        before = plain_loss(vlm, encoded["forget"], range(9))
        start = {name: p.detach().clone() for name, p in trainable(vlm).items()}
        run(vlm, method(steps=25, lr=2e-3, batch_size=9, l1=l1), halves)
        assert plain_loss(vlm, encoded["forget"], range(9)) > before + 0.5
        changed[l1] = sum(
            float((p.detach() - start[n]).abs().sum()) for n, p in trainable(vlm).items()
        )
        retained[l1] = plain_loss(vlm, encoded["retain"], range(9))
    assert changed[0.003] < 0.5 * changed[0.0]
    assert retained[0.003] < retained[0.0]
