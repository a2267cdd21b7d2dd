from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

from uqs.methods.base import Batches, Step, trainable
from uqs.methods.cards.preference import DPOSettings
from uqs.methods.dpo import DPO, dpo_loss
from uqs.methods.losses import answer_cross_entropy, answer_log_likelihoods
from uqs.methods.refusals import draw
from uqs.methods.trainer import Schedule, train
from uqs.models.adapter import attach
from uqs.models.settings import AdapterSettings
from uqs.models.vlm import IGNORED
from uqs.records import Split

FORGET = [0, 1, 2, 5]
RETAIN = [0, 3, 4]
STEP = Step(0, 1)
KINDS = pytest.mark.parametrize("kind", ["lora", "full"])


def started(vlm, samples, kind="lora", **settings):  # type: ignore[no-untyped-def]
    """The method on an original whose adapter is not 0, its streams, and a copy of the original."""
    attach(vlm, AdapterSettings(kind=kind, r=2), seed=0)
    move(vlm, 0.05)
    method = DPO(DPOSettings(batch_size=6, **settings))
    data = {
        "forget": Split("forget", tuple(samples[:9])),
        "retain": Split("retain", tuple(samples[9:])),
    }
    streams = method.streams(vlm, data, torch.Generator().manual_seed(5))
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
    # probabilities of preferred and rejected answers, now and of the original
    win, win0 = np.array([0.2, 0.5, 0.9]), np.array([0.4, 0.5, 0.1])
    lose, lose0 = np.array([0.3, 0.1, 1e-6]), np.array([0.2, 0.1, 0.7])
    odds = (win / win0) ** beta / ((win / win0) ** beta + (lose / lose0) ** beta)  # Bradley-Terry
    expected = -2 / beta * np.mean(np.log(odds))
    found = dpo_loss(torch.tensor(np.log(win / win0)), torch.tensor(np.log(lose / lose0)), beta)
    assert float(found) == pytest.approx(expected, rel=1e-12)


def test_by_hand() -> None:
    # the refusal twice as likely as before, the answer half as likely: odds of 4 to 1 at beta 1
    found = dpo_loss(torch.tensor([2.0]).log(), torch.tensor([0.5]).log(), 1.0)
    assert float(found) == pytest.approx(2 * 0.223144, rel=1e-5)


def test_gradients() -> None:
    preferred = torch.tensor([-3.0, 0.0, 5.0], dtype=torch.float64, requires_grad=True)
    rejected = torch.tensor([1.0, 0.0, -40.0], dtype=torch.float64, requires_grad=True)
    dpo_loss(preferred, rejected, 0.3).backward()
    margin = (preferred - rejected).detach().numpy()
    weight = (
        2 / (1 + np.exp(0.3 * margin)) / 3
    )  # Rafailov et al., the gradient in section 4, by 2 / beta
    assert preferred.grad is not None
    assert rejected.grad is not None
    assert preferred.grad.tolist() == pytest.approx((-weight).tolist(), rel=1e-10)
    assert rejected.grad.tolist() == pytest.approx(weight.tolist(), rel=1e-10)
    assert torch.autograd.gradcheck(lambda p, r: dpo_loss(p, r, 0.3), (preferred, rejected))


def test_token_labels_are_a_refusal_and_the_gold_answer(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    method, streams, _ = started(vlm, samples)
    places = list(range(9))
    batches = drawn(vlm, streams, places)
    refusals = draw(samples[:9], torch.Generator().manual_seed(5))
    answers = [s.answer for s in samples[:9]]
    pairs = ((batches["forget"], answers), (batches.paired("forget", method.refused), refusals))
    for batch, texts in pairs:
        for i, text in enumerate(texts):
            row = batch.labels[i]
            spelled = vlm.tokenizer(text, add_special_tokens=False)["input_ids"]
            assert row[row != IGNORED].tolist() == [*spelled, vlm.tokenizer.eos_token_id]
            assert row[-len(spelled) - 1 :].tolist() == row[row != IGNORED].tolist()
    assert streams["retain"].encoded.answers == vlm.encode(samples[9:]).answers


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
    beta = 0.2
    method, streams, original = started(vlm, samples, kind, beta=beta, retain_weight=0.0)
    move(vlm, 0.05)
    margins = []
    for i in FORGET:
        refusal, gold = (
            slow_log_likelihood(vlm, vlm.model, encoded, i)
            - slow_log_likelihood(vlm, original, encoded, i)
            for encoded in (method.refused, streams["forget"].encoded)
        )
        margins.append(refusal - gold)
    assert max(map(abs, margins)) > 0.1
    expected = 2 / beta * np.mean(np.log1p(np.exp(-beta * np.array(margins))))
    found = method.loss(vlm, drawn(vlm, streams), STEP)
    assert found.item() == pytest.approx(expected, rel=1e-4)
    found.backward()
    was = gradient(vlm)
    vlm.model.zero_grad()
    # the same gradient with the original's likelihoods as numbers: none flows into it
    weights = 2 / (1 + np.exp(beta * np.array(margins)))
    gold, refusal = (
        answer_log_likelihoods(vlm, vlm.batch(encoded, FORGET))
        for encoded in (streams["forget"].encoded, method.refused)
    )
    (torch.tensor(weights, dtype=torch.float32) * (gold - refusal)).mean().backward()
    assert (was - gradient(vlm)).norm() < 1e-4 * was.norm()


def test_the_original_stays_what_it_was_while_the_model_trains(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    method, streams, original = started(vlm, samples)
    train(vlm, method, streams, Schedule(3, 1e-2), torch.Generator().manual_seed(0))
    places = [8, 0, 3]
    for encoded, known in (
        (streams["forget"].encoded, method.original_gold),
        (method.refused, method.original_refusals),
    ):
        found = known.of(vlm, vlm.batch(encoded, places), places).tolist()
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
    assert passes == [False, False, True, True, True, True, True, True]


def test_bfloat16_arithmetic_gives_nearly_the_same(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    method, streams, _ = started(vlm, samples, beta=1.0)
    exact = method.loss(vlm, drawn(vlm, streams), STEP)
    with torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False):
        rough = method.loss(vlm, drawn(vlm, streams, FORGET[::-1]), STEP)
    assert rough.dtype == torch.float32
    assert rough.item() == pytest.approx(exact.item(), rel=0.05)


def test_a_run_comes_to_prefer_refusals_and_its_retain_term_protects(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    retain = {}
    for weight in (0.0, 1.0):
        vlm = make_vlm()
        method, streams, _ = started(vlm, samples, "full", retain_weight=weight)
        encoded = streams["forget"].encoded
        before = [mean(vlm, encoded), mean(vlm, method.refused)]
        train(vlm, method, streams, Schedule(8, 3e-3), torch.Generator().manual_seed(0))
        gold, refusal = mean(vlm, encoded), mean(vlm, method.refused)
        assert (refusal - before[1]) - (gold - before[0]) > 10
        retain[weight] = mean(vlm, streams["retain"].encoded)
    assert retain[1.0] > retain[0.0] + 1


def mean(vlm, encoded) -> float:  # type: ignore[no-untyped-def]
    """Mean log-likelihood of the answers."""
    with torch.no_grad():
        return float(answer_log_likelihoods(vlm, vlm.batch(encoded, range(len(encoded)))).mean())
