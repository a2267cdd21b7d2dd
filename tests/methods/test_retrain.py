from __future__ import annotations

import itertools

import torch

from uqs.methods.retrain import Retrain
from uqs.records import Split


def test_every_batch_holds_its_share_of_replay(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    data = {
        "learn": Split("learn", tuple(samples[:6])),
        "replay": Split("replay", tuple(samples[6:])),
    }
    streams = Retrain(batch_size=10, replay=0.3).streams(vlm, data, torch.Generator())
    batches = streams["mixed"].batches(torch.Generator().manual_seed(0))
    for indices in itertools.islice(batches, 20):
        assert len(indices) == 10
        assert sum(i >= 6 for i in indices) == 3


def test_no_replay_is_possible(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    data = {"learn": Split("learn", tuple(samples)), "replay": Split("replay", ())}
    streams = Retrain(batch_size=4, replay=0.0).streams(vlm, data, torch.Generator())
    assert len(streams["mixed"].encoded) == len(samples)
