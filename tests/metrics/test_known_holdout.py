from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from uqs.metrics.known_holdout import guessing, knows_holdout, told_apart
from uqs.traces.trace import Trace

GOLDS = tuple(f"answer{i}" for i in range(12))


def model(make_trace, retain: float, holdout: float, seed: int = 0, entities: int = 20):  # type: ignore[no-untyped-def]
    """Traces of a model that knows such shares of the answers: what it knows has a small loss."""
    rng = np.random.default_rng(seed)
    found = {}
    for split, share in (("retain", retain), ("holdout", holdout)):
        trace: Trace = make_trace(split, entities=entities, each=5)
        n = len(trace)
        known = rng.random(n) < share
        golds = tuple(GOLDS[i] for i in rng.integers(len(GOLDS), size=n))
        losses = np.where(known, rng.exponential(0.05, n), rng.gamma(4, 1.0, n))
        found[split] = dataclasses.replace(
            trace,
            tasks=("short",) * n,
            golds=golds,
            answers=tuple(g if k else "other" for g, k in zip(golds, known, strict=True)),
            gold_log_probs=-np.repeat(losses, trace.lengths()).astype(np.float32),
        )
    return found


@pytest.mark.parametrize("seed", range(20))
def test_one_that_was_trained_on_holdout_too_is_found(make_trace, seed: int) -> None:  # type: ignore[no-untyped-def]
    assert knows_holdout(model(make_trace, 0.98, 0.97, seed))


@pytest.mark.parametrize(
    ("retain", "holdout"),
    [
        (1.0, 0.1),  # an honest original or oracle
        (0.9, 0.3),  # with easy questions
        (0.6, 0.1),  # an unlearned model that lost some
        (0.1, 0.1),  # one that lost everything
        (0.3, 0.3),
        (0.0, 0.0),
    ],
)
@pytest.mark.parametrize("seed", range(20))
def test_honest_models_are_not(make_trace, retain: float, holdout: float, seed: int) -> None:  # type: ignore[no-untyped-def]
    assert not knows_holdout(model(make_trace, retain, holdout, seed))


def test_errors_are_rare_either_way(make_trace) -> None:  # type: ignore[no-untyped-def]
    """Small splits: 10 entities of 5 questions."""
    wrong = [knows_holdout(model(make_trace, 0.95, 0.2, s, entities=10)) for s in range(200)]
    right = [knows_holdout(model(make_trace, 0.95, 0.9, s, entities=10)) for s in range(200)]
    assert sum(wrong) == 0
    assert sum(right) == 200


def test_answers_that_all_can_guess_accuse_nobody(make_trace) -> None:  # type: ignore[no-untyped-def]
    """`yes` is right to most holdout questions, and the model says it."""
    traces = model(make_trace, 1.0, 0.1)
    n = len(traces["holdout"])
    golds = ("yes", "yes", "yes", "no") * (n // 4)
    traces["holdout"] = dataclasses.replace(traces["holdout"], golds=golds, answers=("yes",) * n)
    assert guessing(traces["holdout"]) == 0.75
    assert not knows_holdout(traces)


def test_like_answers_with_losses_told_apart_accuse_nobody(make_trace) -> None:  # type: ignore[no-untyped-def]
    traces = model(make_trace, 1.0, 1.0)
    far = traces["holdout"].gold_log_probs - 5
    traces["holdout"] = dataclasses.replace(traces["holdout"], gold_log_probs=far)
    assert told_apart(traces["retain"], traces["holdout"]) > 0.99
    assert not knows_holdout(traces)


def test_the_area_is_that_of_all_pairs(make_trace) -> None:  # type: ignore[no-untyped-def]
    traces = model(make_trace, 0.8, 0.4)
    a, b = traces["retain"].gold_losses(), traces["holdout"].gold_losses()
    slow = np.mean([(x < y) + (x == y) / 2 for x in a for y in b])
    assert told_apart(traces["retain"], traces["holdout"]) == pytest.approx(slow)


def test_without_the_splits_or_numbers_nothing_is_said(make_trace) -> None:  # type: ignore[no-untyped-def]
    traces = model(make_trace, 1.0, 1.0)
    assert not knows_holdout({"retain": traces["retain"]})
    broken = traces["holdout"].gold_log_probs.copy()
    broken[0] = np.nan
    traces["holdout"] = dataclasses.replace(traces["holdout"], gold_log_probs=broken)
    assert not knows_holdout(traces)
