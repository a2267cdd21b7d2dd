from __future__ import annotations

import itertools

import pytest
import torch

from uqs.methods.retrain import Retrain
from uqs.methods.streams import WINDOW
from uqs.methods.trainer import Schedule, train
from uqs.models.adapter import attach
from uqs.models.settings import AdapterSettings
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


def test_it_trains_on_what_it_learns_and_what_it_replays(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    """The first loss is that of the first batch, token by token; both parts are learnt."""
    vlm = make_vlm()
    attach(vlm, AdapterSettings(r=8, targets="language.all+projector"), seed=0)
    data = {
        "learn": Split("learn", tuple(samples[:9])),
        "replay": Split("replay", tuple(samples[9:])),
    }
    method = Retrain(batch_size=8, replay=0.5)
    encoded = vlm.encode(samples)

    def losses() -> list[list[float]]:
        found = []
        with torch.no_grad():
            for i, answer in enumerate(encoded.answers):
                batch = vlm.batch(encoded, [i])
                logits = vlm.model(**batch.inputs).logits[0, -len(answer) - 1 : -1].log_softmax(-1)
                found.append(
                    [-float(row[token]) for row, token in zip(logits, answer, strict=True)]
                )
        return found

    before = losses()
    streams = method.streams(vlm, data, torch.Generator())
    first = next(streams["mixed"].batches(torch.Generator().manual_seed(0)))
    done = train(vlm, method, streams, Schedule(40, 1e-2), torch.Generator().manual_seed(0))
    tokens = [loss for i in first for loss in before[i]]
    assert done.losses[0] == pytest.approx(sum(tokens) / len(tokens), rel=1e-4)
    assert (done.steps, done.collapse) == (40, None)
    for part in (range(9), range(9, 18)):
        was, now = (sum(sum(seen[i]) for i in part) for seen in (before, losses()))
        assert now < 0.8 * was
