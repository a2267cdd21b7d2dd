from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import rel_entr
from scipy.stats import entropy

from uqs.metrics.base import Evidence, OracleMetric
from uqs.metrics.kl_divergence import KLFromOracle, KLToOracle, at_positions
from uqs.records import Measurement, Status
from uqs.traces.trace import Trace


def headline(metric: OracleMetric, model: Trace, oracle: Trace) -> Measurement:
    rows = list(metric.against(Evidence({"forget": model}), Evidence({"forget": oracle}), 0))
    assert len(rows) == 1
    return rows[0].measurement


def test_equals_scipy_position_by_position_both_ways(make_trace) -> None:  # type: ignore[no-untyped-def]
    model, oracle = make_trace(seed=0), make_trace(seed=1)
    expected = []
    for i in range(len(model)):
        at = range(model.offsets[i], model.offsets[i + 1])
        pairs = [(np.exp(model.top_log_probs[k]), np.exp(oracle.top_log_probs[k])) for k in at]
        expected.append([np.mean([[entropy(p, q), entropy(q, p)] for p, q in pairs], axis=0)])
    to, from_ = np.mean(expected, axis=0)[0]
    assert headline(KLToOracle(), model, oracle).value == pytest.approx(to, rel=1e-5)
    assert headline(KLFromOracle(), model, oracle).value == pytest.approx(from_, rel=1e-5)
    assert headline(KLToOracle(), model, model).value == pytest.approx(0, abs=1e-9)


@given(st.integers(0, 10_000), st.integers(1, 13), st.sampled_from([0.1, 1.0, 20.0]))
def test_is_a_lower_bound_where_the_likeliest_tokens_were_kept(make_pair, seed, k, spread) -> None:  # type: ignore[no-untyped-def]
    first, second, whole = make_pair(seed, k, spread)
    exact = np.array([rel_entr(p, q).sum() for p, q in zip(*whole, strict=True)])
    found = at_positions(first, second)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert (found <= exact + 1e-5 * (1 + exact)).all()
    if k >= 12:  # one token is left, so that all is known
        assert found == pytest.approx(exact, rel=1e-3, abs=1e-5)


@given(st.integers(0, 10_000), st.sampled_from([0.1, 1.0, 20.0]))
def test_the_lower_bound_rises_with_what_is_kept(make_pair, seed, spread) -> None:  # type: ignore[no-untyped-def]
    found = [at_positions(*make_pair(seed, k, spread)[:2]) for k in (1, 3, 5, 8, 13)]
    for less, more in itertools.pairwise(found):
        assert (less <= more + 1e-5 * (1 + more)).all()


def test_the_lower_bound_knows_a_token_that_the_other_did_not_list(cut) -> None:  # type: ignore[no-untyped-def]
    """The other gives it at most 0.03, all that it has left; to merge all that is not known of both, each
    with the rest 1, would say 0."""
    first = np.array([[0.97, 0.01, 0.01, 0.01]])
    found = at_positions(cut(first, 1), cut(first[:, ::-1], 1))
    assert found[0] == pytest.approx(
        0.97 * np.log(0.97 / 0.03) + 0.03 * np.log(0.03 / 0.97), rel=1e-5
    )


@pytest.mark.parametrize(
    ("metric", "excluding"), [(KLToOracle(), "oracle"), (KLFromOracle(), "model")]
)
def test_a_possible_token_that_the_other_excludes_is_a_status(
    make_trace: Callable[..., Trace], metric: OracleMetric, excluding: str
) -> None:
    traces = {"model": make_trace(seed=0), "oracle": make_trace(seed=1)}
    traces[excluding].top_log_probs[5, 2] = -np.inf
    assert headline(metric, **traces).status == Status.COLLAPSED
    other = KLFromOracle() if isinstance(metric, KLToOracle) else KLToOracle()
    assert headline(other, **traces).status == Status.OK


@pytest.mark.parametrize("metric", [KLToOracle(), KLFromOracle()])
@pytest.mark.parametrize(("ours", "theirs"), [(4, 4), (None, 4), (4, None)])
def test_the_status_says_that_the_value_is_a_lower_bound(  # type: ignore[no-untyped-def]
    make_trace, metric: OracleMetric, ours: int | None, theirs: int | None
) -> None:
    exact = headline(metric, make_trace(seed=0), make_trace(seed=1))
    found = headline(metric, make_trace(seed=0, top_k=ours), make_trace(seed=1, top_k=theirs))
    assert exact.status is Status.OK
    assert (found.status, found.bound) == (Status.LOWER_BOUND, None)
    assert found.value is not None
    assert exact.value is not None
    assert 0 < found.value <= exact.value


def test_tokens_that_both_exclude_add_nothing(make_trace) -> None:  # type: ignore[no-untyped-def]
    model, oracle = make_trace(seed=0), make_trace(seed=1)
    for trace in (model, oracle):
        trace.top_log_probs[:, 2] = -np.inf
        trace.top_log_probs[:] -= np.log(np.exp(trace.top_log_probs).sum(1, keepdims=True))
    i, j = np.exp(model.top_log_probs), np.exp(oracle.top_log_probs)
    expected = model.mean_over_answers(np.array([entropy(p, q) for p, q in zip(i, j, strict=True)]))
    assert headline(KLToOracle(), model, oracle).value == pytest.approx(expected.mean(), rel=1e-5)


def test_a_missing_split_is_a_status() -> None:
    rows = list(KLToOracle().against(Evidence({}), Evidence({}), 2))
    assert [(row.measurement.status, row.oracle_seed) for row in rows] == [
        (Status.MISSING_TRACE, 2)
    ]


def with_probabilities(trace: Trace, probs: np.ndarray) -> Trace:
    with np.errstate(divide="ignore"):
        logs = np.log(np.tile(probs, (len(trace.gold_ids), 1))).astype(np.float32)
    return dataclasses.replace(
        trace, vocabulary=len(probs), gold_ids=trace.gold_ids % len(probs), top_log_probs=logs
    )


def test_a_good_value_does_not_show_that_what_the_oracle_says_now_and_then_is_still_said(
    make_trace: Callable[..., Trace],
) -> None:
    oracle = with_probabilities(make_trace(), np.array([0.9, 0.1]))
    model = with_probabilities(make_trace(), np.array([1.0, 0.0]))
    assert headline(KLToOracle(), model, oracle).value == pytest.approx(-np.log(0.9), rel=1e-5)
    assert headline(KLFromOracle(), model, oracle).status == Status.COLLAPSED


def test_a_good_value_does_not_show_that_nothing_is_said_beyond_the_oracle(make_trace) -> None:  # type: ignore[no-untyped-def]
    oracle = with_probabilities(make_trace(), np.array([1.0, 1e-20]))
    model = with_probabilities(make_trace(), np.array([0.9, 0.1]))
    assert headline(KLFromOracle(), model, oracle).value == pytest.approx(-np.log(0.9), rel=1e-5)
    value = headline(KLToOracle(), model, oracle).value
    assert value is not None
    assert value > 4


NOT_SHOWN = {
    "KL_MO": test_a_good_value_does_not_show_that_what_the_oracle_says_now_and_then_is_still_said,
    "KL_OM": test_a_good_value_does_not_show_that_nothing_is_said_beyond_the_oracle,
}
