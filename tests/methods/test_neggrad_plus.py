from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError

from uqs.methods.base import Step
from uqs.methods.cards.ascent import NEGGRAD_PLUS
from uqs.methods.neggrad_plus import NegGradPlus

ONCE = Step(0, 1)


def method(**settings) -> NegGradPlus:  # type: ignore[no-untyped-def]
    return NegGradPlus(NEGGRAD_PLUS.settings(**settings))


@pytest.mark.parametrize("beta", [0.25, 0.95, 0.9999])
def test_the_weighted_sum(table, rows, drawn, beta) -> None:  # type: ignore[no-untyped-def]
    vlm = table([[[1 / 2, 1 / 4, 1 / 4]], [[1 / 8, 3 / 4, 1 / 8]]], [[0], [2]])
    neggrad = method(batch_size=1, beta=beta)
    streams = neggrad.streams(vlm, rows([0], [1]), torch.Generator())
    loss = neggrad.loss(vlm, drawn(vlm, streams, forget=[0], retain=[0]), ONCE)
    assert float(loss.detach()) == pytest.approx(beta * math.log(8) - (1 - beta) * math.log(2))
    loss.backward()
    forget, retain = (vlm.logits.grad[row, 0] for row in (0, 1))
    expected = [(1 - beta) * one for one in (1 / 2, -1 / 4, -1 / 4)]
    assert forget.tolist() == pytest.approx(expected)
    assert retain.tolist() == pytest.approx([beta / 8, beta * 3 / 4, -beta * 7 / 8])


def test_the_default_is_that_of_the_authors_small_experiments() -> None:
    assert method().settings.beta == 0.95


@pytest.mark.parametrize("beta", [0.0, 1.0, -0.1, float("nan")])
def test_a_sum_of_one_loss_alone_is_another_method(beta: float) -> None:
    with pytest.raises(ValidationError, match="beta"):
        method(beta=beta)


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_equals_plain_losses_of_a_model(memorised, halves, drawn, plain_loss, kind) -> None:  # type: ignore[no-untyped-def]
    vlm = memorised(kind)
    neggrad = method(batch_size=4, beta=0.3)
    streams = neggrad.streams(vlm, halves, torch.Generator())
    batches = drawn(vlm, streams, forget=[0, 1, 2, 8], retain=[4, 0, 7, 2])
    expected = 0.3 * plain_loss(vlm, streams["retain"].encoded, [4, 0, 7, 2]) - 0.7 * plain_loss(
        vlm, streams["forget"].encoded, [0, 1, 2, 8]
    )
    assert float(neggrad.loss(vlm, batches, ONCE).detach()) == pytest.approx(expected, rel=1e-4)


def test_a_run_forgets_and_a_greater_beta_protects_better(
    memorised, halves, run, plain_loss
) -> None:  # type: ignore[no-untyped-def]
    found = {}
    for beta in (0.05, 0.95):
        vlm = memorised()
        encoded = {name: vlm.encode(split.samples) for name, split in halves.items()}
        before = {name: plain_loss(vlm, one, range(9)) for name, one in encoded.items()}
        settings = {"steps": 25, "lr": 3e-3, "batch_size": 9, "beta": beta}
        run(vlm, method(**settings), halves)
        found[beta] = {name: plain_loss(vlm, one, range(9)) for name, one in encoded.items()}
        assert found[beta]["forget"] > before["forget"] + 0.5
    assert found[0.95]["retain"] < before["retain"] + 0.1 < found[0.05]["retain"]
