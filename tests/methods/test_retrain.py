from __future__ import annotations

import itertools

import torch

from uqs.methods.retrain import Retrain
from uqs.methods.streams import WINDOW
from uqs.records import Split


def test_batches_hold_their_share_of_replay_over_a_window(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    data = {
        "learn": Split("learn", tuple(samples[:6])),
        "replay": Split("replay", tuple(samples[6:])),
    }
    streams = Retrain(batch_size=10, replay=0.3).streams(vlm, data, torch.Generator())
    batches = streams["mixed"].batches(torch.Generator().manual_seed(0))
    drawn = [i for indices in itertools.islice(batches, 2 * WINDOW) for i in indices]
    assert len(drawn) == 20 * WINDOW
    assert sum(i >= 6 for i in drawn) == 6 * WINDOW


def test_no_replay_is_possible(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    data = {"learn": Split("learn", tuple(samples)), "replay": Split("replay", ())}
    streams = Retrain(batch_size=4, replay=0.0).streams(vlm, data, torch.Generator())
    assert len(streams["mixed"].encoded) == len(samples)
