from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import entropy

from uqs.methods.bad_teacher import BadTeacher
from uqs.methods.base import Step
from uqs.methods.cards.ascent import BAD_TEACHER

ONCE = Step(0, 1)


def method(**settings) -> BadTeacher:  # type: ignore[no-untyped-def]
    return BadTeacher(BAD_TEACHER.settings(**settings))


@pytest.mark.parametrize("weight", [0.0, 1.0, 2.0])
def test_uniform_on_forget_and_the_original_on_retain(table, rows, drawn, weight) -> None:  # type: ignore[no-untyped-def]
    vlm = table([[[1 / 4] * 4], [[1 / 2, 1 / 4, 1 / 8, 1 / 8]]], [[0], [1]])
    bad = method(batch_size=1, retain_weight=weight)
    streams = bad.streams(vlm, rows([0], [1]), torch.Generator())
    vlm.set(torch.tensor([[[1 / 2, 1 / 4, 1 / 8, 1 / 8]], [[1 / 4] * 4]]).log())  # it trains on
    loss = bad.loss(vlm, drawn(vlm, streams, forget=[0], retain=[0]), ONCE)
    # KL(uniform || q) = (log 1/2 + log 1 + 2 log 2) / 4; KL(q || uniform) = 1/2 log 2 + 1/4 log 1/2
    assert float(loss.detach()) == pytest.approx(math.log(2) / 4 + weight * math.log(2) / 4)
    loss.backward()
    assert vlm.logits.grad[0, 0].tolist() == pytest.approx([1 / 4, 0, -1 / 8, -1 / 8], abs=1e-6)
    expected = [weight * one for one in (-1 / 4, 0, 1 / 8, 1 / 8)]
    assert vlm.logits.grad[1, 0].tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_a_randomly_initialised_model_is_nearly_uniform(  # type: ignore[no-untyped-def]
    make_vlm, samples, plain_log_probs, seed
) -> None:
    vlm = make_vlm(seed)
    with torch.no_grad():
        log_probs = torch.cat(plain_log_probs(vlm, vlm.encode(samples), range(len(samples))))
    found = entropy(log_probs.exp().numpy(), axis=1)
    assert found.min() >= 0.99 * math.log(log_probs.shape[1])


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_equals_plain_divergences_from_uniform_and_from_a_copy_of_the_original(  # type: ignore[no-untyped-def]
    memorised, halves, drawn, shake, plain_log_probs, kind
) -> None:
    original, vlm = memorised(kind), memorised(kind)
    bad = method(batch_size=4, retain_weight=3.0)
    streams = bad.streams(vlm, halves, torch.Generator())
    shake(vlm)
    with torch.no_grad():
        loss = bad.loss(vlm, drawn(vlm, streams, forget=[0, 1, 2, 8], retain=[4, 0, 7, 2]), ONCE)
        forgetting = torch.cat(plain_log_probs(vlm, streams["forget"].encoded, [0, 1, 2, 8]))
        p, q = (
            torch.cat(plain_log_probs(one, streams["retain"].encoded, [4, 0, 7, 2])).exp().numpy()
            for one in (original, vlm)
        )
    uniform = np.full(forgetting.shape, 1 / forgetting.shape[1])
    expected = entropy(uniform, forgetting.exp().numpy(), axis=1).mean()
    expected += 3 * entropy(p, q, axis=1).mean()
    assert float(loss) == pytest.approx(expected, rel=1e-4)


def test_a_run_forgets_towards_uniform_and_the_original_protects(  # type: ignore[no-untyped-def]
    memorised, halves, run, plain_loss, plain_log_probs
) -> None:
    retained = {}
    for weight in (0.0, 1.0):
        vlm = memorised()
        encoded = {name: vlm.encode(split.samples) for name, split in halves.items()}
        before = {name: plain_loss(vlm, one, range(9)) for name, one in encoded.items()}
        run(vlm, method(steps=25, lr=3e-3, batch_size=9, retain_weight=weight), halves)
        assert plain_loss(vlm, encoded["forget"], range(9)) > before["forget"] + 1
        with torch.no_grad():
            log_probs = torch.cat(plain_log_probs(vlm, encoded["forget"], range(9)))
        most = math.log(log_probs.shape[1])
        assert entropy(log_probs.exp().numpy(), axis=1).mean() > 0.5 * most
        retained[weight] = plain_loss(vlm, encoded["retain"], range(9))
    assert retained[1.0] < 0.5 * retained[0.0]
