from __future__ import annotations

import pytest
import torch

from uqs.errors import UserError
from uqs.methods.base import trainable
from uqs.methods.retrain import Retrain
from uqs.methods.trainer import Schedule, train
from uqs.models.adapter import attach
from uqs.models.settings import AdapterSettings
from uqs.records import Split


def run(vlm, samples, steps: int, lr: float, seed: int = 0) -> list[float]:  # type: ignore[no-untyped-def]
    data = {"learn": Split("learn", tuple(samples)), "replay": Split("replay", ())}
    method = Retrain(batch_size=8, replay=0.0)
    generator = torch.Generator().manual_seed(seed)
    return train(vlm, method, method.streams(vlm, data, generator), Schedule(steps, lr), generator)


def test_it_learns_and_touches_only_the_adapter(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    attach(vlm, AdapterSettings(r=8, targets="language.all+projector"), seed=0)
    frozen = {n: p.detach().clone() for n, p in vlm.model.named_parameters() if not p.requires_grad}
    losses = run(vlm, samples, 60, 1e-2)
    assert losses[-1] < 0.8 * losses[0]  # embeddings stay random, so it cannot go far
    assert all(torch.equal(p, frozen[n]) for n, p in vlm.model.named_parameters() if n in frozen)
    assert all("lora_" in name for name in trainable(vlm))


def test_the_same_seed_gives_the_same_weights_whatever_ran_before(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    found = []
    for noise in range(2):
        torch.manual_seed(noise)
        vlm = make_vlm()
        attach(vlm, AdapterSettings(r=2), seed=0)
        run(vlm, samples, 3, 1e-3)
        found.append({name: p.detach().clone() for name, p in trainable(vlm).items()})
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_a_loss_that_is_not_finite_stops_with_a_clear_error(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    attach(vlm, AdapterSettings(r=2), seed=0)
    with torch.no_grad():
        next(iter(trainable(vlm).values())).fill_(float("nan"))
    with pytest.raises(UserError, match=r"retrain: the loss is nan at step 1 of 3; lower lr"):
        run(vlm, samples, 3, 1e-3)


def test_the_rate_warms_up_and_falls_to_zero() -> None:
    schedule = Schedule(100, 1.0)
    factors = [schedule.factor(step) for step in range(101)]
    assert factors[9] == factors[10] == 1
    assert factors[:10] == sorted(factors[:10])
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[100] == pytest.approx(0)
