from __future__ import annotations

import pytest
import torch

from uqs.methods.finetune_retain import FinetuneRetain
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.settings import FinetuneRetainSettings
from uqs.records import Split


def test_the_retain_loss_alone(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    method = FinetuneRetain(FinetuneRetainSettings(batch_size=4))
    split = Split("retain", tuple(samples))
    streams = method.streams(vlm, {"retain": split}, torch.Generator())  # it never asks for forget
    assert set(streams) == {"retain"}
    batch = vlm.batch(streams["retain"].encoded, range(4))
    with torch.no_grad():
        expected = float(answer_cross_entropy(vlm, batch))
        assert float(method.loss(vlm, {"retain": batch})) == pytest.approx(expected)
