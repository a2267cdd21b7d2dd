from __future__ import annotations

import pytest
import torch

from uqs.methods.gradient_ascent import GradientAscent
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.settings import GradientAscentSettings
from uqs.records import Split


def test_minus_the_forget_loss_and_nothing_else(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    method = GradientAscent(GradientAscentSettings(batch_size=4))
    split = Split("forget", tuple(samples))
    streams = method.streams(vlm, {"forget": split}, torch.Generator())  # it never asks for retain
    assert set(streams) == {"forget"}
    batch = vlm.batch(streams["forget"].encoded, range(4))
    with torch.no_grad():
        expected = float(answer_cross_entropy(vlm, batch))
        assert float(method.loss(vlm, {"forget": batch})) == pytest.approx(-expected)
