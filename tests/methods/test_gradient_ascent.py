from __future__ import annotations

import math

import pytest
import torch

from uqs.methods.base import Step
from uqs.methods.cards.ascent import GRADIENT_ASCENT
from uqs.methods.gradient_ascent import GradientAscent
from uqs.models.vlm import IGNORED

ONCE = Step(0, 1)


def method(**settings) -> GradientAscent:  # type: ignore[no-untyped-def]
    return GradientAscent(GRADIENT_ASCENT.settings(**settings))


def test_minus_the_mean_over_answer_tokens(table, rows, drawn) -> None:  # type: ignore[no-untyped-def]
    tokens = [[[1 / 2, 1 / 4, 1 / 4], [1 / 8, 3 / 4, 1 / 8]], [[1 / 3] * 3, [1 / 4, 1 / 4, 1 / 2]]]
    vlm = table(tokens, [[0, 2], [IGNORED, 0]])
    ascent = method(batch_size=2)
    streams = ascent.streams(vlm, rows([0, 1], []), torch.Generator())
    loss = ascent.loss(vlm, drawn(vlm, streams, forget=[0, 1]), ONCE)
    assert float(loss.detach()) == pytest.approx(-(math.log(2) + math.log(8) + math.log(4)) / 3)


def test_minus_the_forget_loss_and_nothing_else(make_vlm, halves, drawn, plain_loss) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    ascent = method(batch_size=4)
    streams = ascent.streams(vlm, {"forget": halves["forget"]}, torch.Generator())
    assert set(streams) == {"forget"}  # it never asks for retain
    expected = -plain_loss(vlm, streams["forget"].encoded, [5, 0, 1, 3])
    with torch.no_grad():
        found = float(ascent.loss(vlm, drawn(vlm, streams, forget=[5, 0, 1, 3]), ONCE))
    assert found == pytest.approx(expected, rel=1e-5)


def test_a_run_forgets(memorised, halves, run, plain_loss) -> None:  # type: ignore[no-untyped-def]
    vlm = memorised()
    encoded = vlm.encode(halves["forget"].samples)
    before = plain_loss(vlm, encoded, range(9))
    run(vlm, method(steps=20, lr=2e-3, batch_size=9), halves)
    assert plain_loss(vlm, encoded, range(9)) > before + 1
