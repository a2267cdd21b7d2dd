from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.special import rel_entr

from uqs.metrics.base import CrossScores, Evidence, MetricResult, References
from uqs.metrics.fade import FunctionalAlignment
from uqs.records import Status
from uqs.traces.trace import Trace


def cross_scores(make_trace, *log_probs: float) -> CrossScores:  # type: ignore[no-untyped-def]
    """All tokens of an answer have one log-probability: own by model, own by oracle, oracle's by either."""
    return CrossScores(*(scored(make_trace(), value) for value in log_probs))


def scored(trace: Trace, value: float) -> Trace:
    return dataclasses.replace(trace, gold_log_probs=np.full_like(trace.gold_log_probs, value))


def measured(found: CrossScores | None) -> list[MetricResult]:
    model = Evidence({}, cross_scores={5: found})
    return list(FunctionalAlignment().measure(model, References({5: Evidence({})})))


def test_equals_a_plain_loop_over_answers(make_trace) -> None:  # type: ignore[no-untyped-def]
    found = CrossScores(*(make_trace(seed=seed) for seed in range(4)))
    own, oracles = [], []
    for i in range(24):
        likelihoods = [
            sum(float(t.gold_log_probs[k]) for k in range(t.offsets[i], t.offsets[i + 1]))
            for t in (
                found.own_by_model,
                found.own_by_oracle,
                found.oracles_by_model,
                found.oracles_by_oracle,
            )
        ]
        own.append(likelihoods[0] - likelihoods[1])
        oracles.append(likelihoods[3] - likelihoods[2])
    rows = measured(found)
    expected = [np.mean(own) + np.mean(oracles), np.mean(own), np.mean(oracles)]
    assert [row.measurement.value for row in rows] == pytest.approx(expected, rel=1e-5)
    assert [row.measurement.split for row in rows] == ["forget", "forget/own", "forget/oracles"]
    assert {row.oracle_seed for row in rows} == {5}
    assert rows[0].measurement.n == 24
    assert rows[0].measurement.se is not None


def test_answers_that_are_sampled_estimate_the_symmetric_divergence(make_trace) -> None:  # type: ignore[no-untyped-def]
    """The paper's quantity: with answers of one token drawn from two known distributions."""
    rng = np.random.default_rng(0)
    p, q = np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.3, 0.5])
    trace = make_trace(entities=4000, each=1)
    positions = len(trace.gold_ids)
    own, oracles = (rng.choice(3, positions, p=side) for side in (p, q))
    found = CrossScores(
        *(
            dataclasses.replace(trace, gold_log_probs=np.log(side[ids]).astype(np.float32))
            for side, ids in ((p, own), (q, own), (p, oracles), (q, oracles))
        )
    )
    row = measured(found)[0].measurement
    length = positions / 4000
    exact = (rel_entr(p, q).sum() + rel_entr(q, p).sum()) * length
    assert row.value is not None
    assert row.se is not None
    assert abs(row.value - exact) < 4 * row.se
    assert row.se < 0.1 * exact


def test_what_is_not_there_is_a_status(make_trace) -> None:  # type: ignore[no-untyped-def]
    metric = FunctionalAlignment()
    alone = next(metric.measure(Evidence({}), References()))
    assert alone.measurement.status == Status.MISSING_ORACLE
    unscored = next(metric.measure(Evidence({}), References({5: Evidence({})})))
    assert (unscored.measurement.status, unscored.oracle_seed) == (Status.MISSING_TRACE, 5)
    unanswered = measured(None)
    assert [(row.measurement.status, row.oracle_seed) for row in unanswered] == [
        (Status.TOO_FEW, 5)
    ]
    rows = measured(cross_scores(make_trace, -np.inf, -1, -1, -1))
    assert rows[0].measurement.status == Status.COLLAPSED


def test_other_answers_or_questions_are_an_error(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace()
    other = dataclasses.replace(trace, gold_ids=(trace.gold_ids + 1) % trace.vocabulary)
    with pytest.raises(ValueError, match="different samples"):
        measured(CrossScores(trace, other, trace, trace))
    renamed = dataclasses.replace(trace, ids=tuple(reversed(trace.ids)))
    with pytest.raises(ValueError, match="different questions"):
        measured(CrossScores(trace, trace, renamed, renamed))


def test_a_good_value_does_not_show_that_other_answers_are_as_likely(make_trace) -> None:  # type: ignore[no-untyped-def]
    """Both say the same; the model is sure of it, the oracle leaves half to other answers."""
    rows = measured(cross_scores(make_trace, 0.0, np.log(0.5), 0.0, np.log(0.5)))
    assert rows[0].measurement.value == pytest.approx(0)
    assert rows[1].measurement.value == pytest.approx(np.log(2) * len(make_trace().gold_ids) / 24)


NOT_SHOWN = {"FADE": test_a_good_value_does_not_show_that_other_answers_are_as_likely}
