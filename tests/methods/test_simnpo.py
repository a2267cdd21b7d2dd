from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

from uqs.methods.base import Batches, Step, trainable
from uqs.methods.cards.preference import SimNPOSettings
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.simnpo import SimNPO, simnpo_loss
from uqs.methods.trainer import Schedule, train
from uqs.models.adapter import attach
from uqs.models.settings import AdapterSettings
from uqs.records import Split

FORGET = [0, 1, 2, 5]
RETAIN = [0, 3, 4]
STEP = Step(0, 1)
KINDS = pytest.mark.parametrize("kind", ["lora", "full"])


def started(vlm, samples, kind="lora", **settings):  # type: ignore[no-untyped-def]
    attach(vlm, AdapterSettings(kind=kind, r=2), seed=0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in trainable(vlm).values():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    method = SimNPO(SimNPOSettings(batch_size=6, **settings))
    data = {
        "forget": Split("forget", tuple(samples[:9])),
        "retain": Split("retain", tuple(samples[9:])),
    }
    return method, method.streams(vlm, data, torch.Generator().manual_seed(0))


def drawn(vlm, streams):  # type: ignore[no-untyped-def]
    return Batches(vlm, streams, {"forget": FORGET, "retain": RETAIN}.__getitem__)


def slow_log_likelihood(vlm, encoded, i: int) -> float:  # type: ignore[no-untyped-def]
    """Sample i alone, token by token."""
    ids = torch.tensor([encoded.prompts[i] + encoded.answers[i]])
    with torch.no_grad():
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), **encoded.shown([i])}
        logits = vlm.model(**inputs).logits[0].double().numpy()
    log_probs = log_softmax(logits, axis=-1)
    start = len(encoded.prompts[i]) - 1
    return sum(log_probs[start + k, token] for k, token in enumerate(encoded.answers[i]))


@pytest.mark.parametrize("beta", [0.1, 2.5, 4.5])
@pytest.mark.parametrize("gamma", [0.0, 3.0])
def test_the_formula_on_fixed_numbers(beta: float, gamma: float) -> None:
    geometric = np.array(
        [0.2, 0.5, 0.99, 1e-6]
    )  # an answer's probability to the power 1 / its length
    expected = 2 / beta * np.mean(np.log(1 + (geometric * np.exp(gamma)) ** beta))
    found = simnpo_loss(torch.tensor(np.log(geometric)), beta, gamma)
    assert float(found) == pytest.approx(expected, rel=1e-12)


def test_by_hand() -> None:
    # log(1 + 1/2) times 2 at beta 1; a margin of log 2 makes it log(1 + 1) times 2
    half = torch.tensor([0.5]).log()
    assert float(simnpo_loss(half, 1.0, 0.0)) == pytest.approx(2 * 0.405465, rel=1e-5)
    assert float(simnpo_loss(half, 1.0, float(np.log(2)))) == pytest.approx(2 * 0.693147, rel=1e-5)


def test_gradients() -> None:
    per_token = torch.tensor([-3.0, -0.01, -1.0], dtype=torch.float64, requires_grad=True)
    simnpo_loss(per_token, 2.5, 0.5).backward()
    odds = np.exp(2.5 * (per_token.detach().numpy() + 0.5))
    assert per_token.grad is not None
    assert per_token.grad.tolist() == pytest.approx((2 * odds / (1 + odds) / 3).tolist(), rel=1e-10)
    assert torch.autograd.gradcheck(lambda x: simnpo_loss(x, 2.5, 0.5), (per_token,))


@KINDS
def test_it_equals_a_plain_loop(make_vlm, samples, kind) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    beta, gamma = 1.5, 2.0
    method, streams = started(vlm, samples, kind, beta=beta, gamma=gamma, retain_weight=2.0)
    encoded = streams["forget"].encoded
    lengths = [len(encoded.answers[i]) for i in FORGET]  # with the end mark
    assert len(set(lengths)) > 1
    losses = [
        -slow_log_likelihood(vlm, encoded, i) / k for i, k in zip(FORGET, lengths, strict=True)
    ]
    forget = 2 / beta * np.mean(np.log1p(np.exp(-beta * (np.array(losses) - gamma))))
    batches = drawn(vlm, streams)
    with torch.no_grad():
        retain = float(answer_cross_entropy(vlm, batches["retain"]))
        found = float(method.loss(vlm, batches, STEP))
    assert found == pytest.approx(forget + 2 * retain, rel=1e-5)


def test_a_step_has_no_pass_of_a_reference(make_vlm, samples, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    method, streams = started(vlm, samples)
    passes = []
    logits = vlm.answer_logits
    monkeypatch.setattr(
        vlm, "answer_logits", lambda b: passes.append(torch.is_grad_enabled()) or logits(b)
    )
    method.loss(vlm, drawn(vlm, streams), STEP)
    assert passes == [True, True]


def test_bfloat16_arithmetic_gives_nearly_the_same(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    method, streams = started(vlm, samples, retain_weight=0.0)
    exact = method.loss(vlm, drawn(vlm, streams), STEP)
    with torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False):
        rough = method.loss(vlm, drawn(vlm, streams), STEP)
    assert rough.dtype == torch.float32
    assert rough.item() == pytest.approx(exact.item(), rel=0.05)


def test_a_run_forgets_and_its_retain_term_protects(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    after = {}
    for weight in (0.0, 1.0):
        vlm = make_vlm()
        # a random model finds no answer likely: only a margin makes it forget further
        method, streams = started(vlm, samples, "full", gamma=10.0, retain_weight=weight)
        before = loss_of(vlm, streams["forget"].encoded)
        train(vlm, method, streams, Schedule(8, 3e-3), torch.Generator().manual_seed(0))
        after[weight] = {name: loss_of(vlm, streams[name].encoded) for name in streams}
        assert after[weight]["forget"] > before + 1
    assert after[1.0]["retain"] < after[0.0]["retain"] - 0.5


def loss_of(vlm, encoded) -> float:  # type: ignore[no-untyped-def]
    with torch.no_grad():
        return float(answer_cross_entropy(vlm, vlm.batch(encoded, range(len(encoded)))))
