from __future__ import annotations

import pytest
import torch

from uqs.methods.base import Batches, Step
from uqs.methods.finetune_retain import FinetuneRetain
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.settings import MethodSettings
from uqs.methods.trainer import Schedule, train
from uqs.models.adapter import attach
from uqs.models.settings import AdapterSettings
from uqs.records import Split


def streams_of(vlm, method, samples):  # type: ignore[no-untyped-def]
    data = {"retain": Split("retain", tuple(samples))}  # it never asks for forget
    return method.streams(vlm, data, torch.Generator())


def test_the_retain_loss_alone(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    method = FinetuneRetain(MethodSettings(batch_size=4))
    streams = streams_of(vlm, method, samples)
    assert set(streams) == {"retain"}
    assert streams["retain"].encoded.answers == vlm.encode(samples).answers
    places = [1, 2, 6, 9]
    with torch.no_grad():
        batch = vlm.batch(vlm.encode(samples), places)
        expected = float(answer_cross_entropy(vlm, batch))
        batches = Batches(vlm, streams, {"retain": places}.__getitem__)
        assert float(method.loss(vlm, batches, Step(0, 1))) == pytest.approx(expected)


def test_a_run_learns_the_retain_answers(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    attach(vlm, AdapterSettings(kind="full"), seed=0)
    method = FinetuneRetain(MethodSettings(batch_size=6))
    streams = streams_of(vlm, method, samples[9:])
    batch = vlm.batch(streams["retain"].encoded, range(9))
    losses = []
    for steps in (0, 8):
        train(vlm, method, streams, Schedule(steps, 3e-3), torch.Generator().manual_seed(0))
        with torch.no_grad():
            losses.append(float(answer_cross_entropy(vlm, batch)))
    assert losses[1] < losses[0] - 1
