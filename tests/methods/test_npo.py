from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

from uqs.methods.base import Batches, Step, trainable
from uqs.methods.cards.preference import NPOSettings
from uqs.methods.losses import answer_cross_entropy, answer_log_likelihoods
from uqs.methods.npo import NPO, npo_loss
from uqs.methods.trainer import Schedule, train
from uqs.models.adapter import attach
from uqs.models.settings import AdapterSettings
from uqs.records import Split

FORGET = [0, 1, 2, 5]
RETAIN = [0, 3, 4]
STEP = Step(0, 1)
KINDS = pytest.mark.parametrize("kind", ["lora", "full"])


def split(samples):  # type: ignore[no-untyped-def]
    return {
        "forget": Split("forget", tuple(samples[:9])),
        "retain": Split("retain", tuple(samples[9:])),
    }


def started(vlm, samples, kind="lora", **settings):  # type: ignore[no-untyped-def]
    """The method on an original whose adapter is not 0, its streams, and a copy of the original."""
    attach(vlm, AdapterSettings(kind=kind, r=2), seed=0)
    move(vlm, 0.05)
    method = NPO(NPOSettings(batch_size=6, **settings))
    streams = method.streams(vlm, split(samples), torch.Generator().manual_seed(0))
    return method, streams, deepcopy(vlm.model)


def move(vlm, by: float) -> None:  # type: ignore[no-untyped-def]
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in trainable(vlm).values():
            parameter.add_(by * torch.randn(parameter.shape, generator=generator))


def drawn(vlm, streams, places=FORGET):  # type: ignore[no-untyped-def]
    return Batches(vlm, streams, {"forget": places, "retain": RETAIN}.__getitem__)


def gradient(vlm):  # type: ignore[no-untyped-def]
    grads = [p.grad for p in trainable(vlm).values() if p.grad is not None]
    return torch.cat([grad.flatten() for grad in grads])


def slow_log_likelihood(vlm, model, encoded, i: int) -> float:  # type: ignore[no-untyped-def]
    """Sample i alone, token by token."""
    ids = torch.tensor([encoded.prompts[i] + encoded.answers[i]])
    with torch.no_grad():
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), **encoded.shown([i])}
        logits = model(**inputs).logits[0].double().numpy()
    log_probs = log_softmax(logits, axis=-1)
    start = len(encoded.prompts[i]) - 1
    return sum(log_probs[start + k, token] for k, token in enumerate(encoded.answers[i]))


@pytest.mark.parametrize("beta", [0.05, 0.1, 1.0, 3.0])
def test_the_formula_on_fixed_numbers(beta: float) -> None:
    now, before = np.array([0.2, 0.5, 0.9, 1e-9]), np.array([0.4, 0.5, 0.1, 0.3])
    expected = 2 / beta * np.mean(np.log(1 + (now / before) ** beta))
    found = npo_loss(torch.tensor(np.log(now)), torch.tensor(np.log(before)), beta)
    assert float(found) == pytest.approx(expected, rel=1e-12)


def test_by_hand() -> None:
    now, before = torch.tensor([0.2, 0.5]).log(), torch.tensor([0.4, 0.5]).log()
    # at beta 1: the mean of log(1 + 1/2) and log(1 + 1), times 2
    assert float(npo_loss(now, before, 1.0)) == pytest.approx(0.405465 + 0.693147, rel=1e-5)


def test_the_gradient_is_the_adaptive_weight_of_the_paper() -> None:
    now = torch.tensor([-3.0, -1.0, -40.0], dtype=torch.float64, requires_grad=True)
    before = torch.tensor([-1.0, -1.0, -2.0], dtype=torch.float64)
    beta = 0.7
    npo_loss(now, before, beta).backward()
    pi, reference = now.detach().exp() ** beta, before.exp() ** beta
    assert now.grad is not None
    assert now.grad.tolist() == pytest.approx((2 * pi / (pi + reference) / 3).tolist(), rel=1e-10)
    assert torch.autograd.gradcheck(lambda x: npo_loss(x, before, beta), (now,))


def test_as_beta_falls_it_becomes_gradient_ascent() -> None:
    now = torch.tensor([-3.0, -1.0, -7.0], dtype=torch.float64, requires_grad=True)
    before = torch.tensor([-1.0, -2.0, -4.0], dtype=torch.float64)
    beta = 1e-6
    loss = npo_loss(now, before, beta)
    loss.backward()
    ascent = (now - before).mean().item()  # log-likelihood is what gradient ascent minimises
    assert loss.item() - 2 / beta * np.log(2) == pytest.approx(ascent, abs=1e-4)
    assert now.grad is not None
    assert now.grad.tolist() == pytest.approx([1 / 3] * 3, abs=1e-5)


def test_it_is_bounded_where_gradient_ascent_is_not() -> None:
    far = torch.tensor([-1e4], requires_grad=True)
    loss = npo_loss(far, torch.tensor([-1.0]), 0.1)
    loss.backward()
    assert loss.item() == 0
    assert far.grad.item() == 0


@KINDS
def test_it_starts_at_log_2_and_retain(make_vlm, samples, kind) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    method, streams, _ = started(vlm, samples, kind, beta=0.25, retain_weight=3.0)
    batches = drawn(vlm, streams)
    with torch.no_grad():
        retain = float(answer_cross_entropy(vlm, batches["retain"]))
        found = float(method.loss(vlm, batches, STEP))
    assert found == pytest.approx(2 / 0.25 * np.log(2) + 3 * retain, rel=1e-5)


@KINDS
def test_it_equals_a_plain_loop_against_a_copy_of_the_original(make_vlm, samples, kind) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    method, streams, original = started(vlm, samples, kind, beta=0.5, retain_weight=0.0)
    move(vlm, 0.05)
    encoded = streams["forget"].encoded
    ratios = [
        slow_log_likelihood(vlm, vlm.model, encoded, i)
        - slow_log_likelihood(vlm, original, encoded, i)
        for i in FORGET
    ]
    assert max(map(abs, ratios)) > 0.1
    expected = 2 / 0.5 * np.mean(np.log1p(np.exp(0.5 * np.array(ratios))))
    found = method.loss(vlm, drawn(vlm, streams), STEP).item()
    assert found == pytest.approx(expected, rel=1e-4)


@KINDS
def test_no_gradient_flows_into_the_original(make_vlm, samples, kind) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    beta = 0.5
    method, streams, original = started(vlm, samples, kind, beta=beta, retain_weight=0.0)
    move(vlm, 0.05)
    method.loss(vlm, drawn(vlm, streams), STEP).backward()
    found = gradient(vlm)
    vlm.model.zero_grad()
    # the weights of the paper's gradient are numbers, from the copy of the original
    encoded = streams["forget"].encoded
    now = answer_log_likelihoods(vlm, vlm.batch(encoded, FORGET))
    before = torch.tensor([slow_log_likelihood(vlm, original, encoded, i) for i in FORGET])
    weights = 2 * torch.sigmoid(beta * (now.detach() - before))
    (weights * now).mean().backward()
    expected = gradient(vlm)
    assert (found - expected).norm() < 1e-4 * expected.norm()


@KINDS
def test_the_original_stays_what_it_was_while_the_model_trains(make_vlm, samples, kind) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    method, streams, original = started(vlm, samples, kind)
    train(vlm, method, streams, Schedule(3, 1e-2), torch.Generator().manual_seed(0))
    encoded = streams["forget"].encoded
    for places in ([8, 0], [1, 2, 3]):  # seen in training and not
        found = method.original.of(vlm, vlm.batch(encoded, places), places).tolist()
        expected = [slow_log_likelihood(vlm, original, encoded, i) for i in places]
        assert found == pytest.approx(expected, rel=1e-4)
        now = [slow_log_likelihood(vlm, vlm.model, encoded, i) for i in places]
        assert now != pytest.approx(expected, rel=5e-4)


def test_what_the_original_gives_is_computed_once(make_vlm, samples, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    method, streams, _ = started(vlm, samples)
    passes = []
    logits = vlm.answer_logits
    monkeypatch.setattr(
        vlm, "answer_logits", lambda b: passes.append(torch.is_grad_enabled()) or logits(b)
    )
    for _ in range(2):
        method.loss(vlm, drawn(vlm, streams), STEP)
    assert passes == [False, True, True, True, True]
    method.loss(vlm, drawn(vlm, streams, [0, 7]), STEP)
    assert passes[5:] == [False, True, True]


def test_without_retain_no_retain_batch_is_drawn(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    method, streams, _ = started(vlm, samples, retain_weight=0.0)
    assert torch.isfinite(
        method.loss(vlm, Batches(vlm, streams, {"forget": FORGET}.__getitem__), STEP)
    )


def test_bfloat16_arithmetic_gives_nearly_the_same(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    method, streams, _ = started(vlm, samples, beta=1.0)
    exact = method.loss(vlm, drawn(vlm, streams), STEP)
    with torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False):
        rough = method.loss(vlm, drawn(vlm, streams, FORGET[::-1]), STEP)
    assert rough.dtype == torch.float32
    assert rough.item() == pytest.approx(exact.item(), rel=0.02)


def test_a_run_forgets_and_its_retain_term_protects(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    after = {}
    for weight in (0.0, 1.0):
        vlm = make_vlm()
        method, streams, _ = started(vlm, samples, "full", retain_weight=weight)
        losses = {name: loss_of(vlm, streams[name].encoded) for name in streams}
        train(vlm, method, streams, Schedule(8, 3e-3), torch.Generator().manual_seed(0))
        after[weight] = {name: loss_of(vlm, streams[name].encoded) for name in streams}
        assert after[weight]["forget"] > losses["forget"] + 1
    assert after[1.0]["retain"] < after[0.0]["retain"] - 0.5


def loss_of(vlm, encoded) -> float:  # type: ignore[no-untyped-def]
    with torch.no_grad():
        return float(answer_cross_entropy(vlm, vlm.batch(encoded, range(len(encoded)))))
