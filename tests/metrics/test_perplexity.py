from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import statsmodels.api as sm

from uqs.metrics.accuracy import RetainAccuracy
from uqs.metrics.base import Evidence, References
from uqs.metrics.perplexity import Perplexity
from uqs.records import Status


def test_value_and_error_equal_a_clustered_regression_on_a_constant(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace("fluent", entities=9, each=2)
    found = next(Perplexity().measure(Evidence({"fluent": trace}), References())).measurement
    tokens = [
        (-float(trace.top_log_probs[at, trace.gold_ids[at]]), trace.entities[i])
        for i in range(len(trace))
        for at in range(trace.offsets[i], trace.offsets[i + 1])
    ]
    losses = np.array([loss for loss, _ in tokens])
    groups = np.unique([entity for _, entity in tokens], return_inverse=True)[1]
    fit = sm.OLS(losses, np.ones(len(losses))).fit(cov_type="cluster", cov_kwds={"groups": groups})
    assert found.value == pytest.approx(np.exp(fit.params[0]), rel=1e-5)
    assert found.se == pytest.approx(np.exp(fit.params[0]) * fit.bse[0], rel=1e-5)
    assert found.n == 18


def test_equal_choice_among_v_tokens_has_perplexity_v(make_trace) -> None:  # type: ignore[no-untyped-def]
    traces = {
        split: dataclasses.replace(
            trace, gold_log_probs=np.full_like(trace.gold_log_probs, -np.log(11))
        )
        for split in ("fluent", "retain")
        for trace in [make_trace(split)]
    }
    rows = [m.measurement for m in Perplexity().measure(Evidence(traces), References())]
    assert [row.split for row in rows] == ["fluent", "retain"]
    for row in rows:
        assert row.value == pytest.approx(11, rel=1e-6)
        assert row.se == pytest.approx(0, abs=1e-9)


def test_without_fluent_text_and_beyond_any_number_there_is_a_status(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace("retain")
    wild = dataclasses.replace(trace, gold_log_probs=np.full_like(trace.gold_log_probs, -1e4))
    rows = [m.measurement for m in Perplexity().measure(Evidence({"retain": wild}), References())]
    assert [(row.split, row.value, row.status) for row in rows] == [
        ("fluent", None, Status.MISSING_TRACE),
        ("retain", None, Status.COLLAPSED),
    ]


@pytest.mark.parametrize("bad", [-np.inf, np.nan])
def test_a_token_without_probability_is_collapsed(make_trace, bad: float) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace("fluent")
    trace.gold_log_probs[3] = bad
    row = next(Perplexity().measure(Evidence({"fluent": trace}), References())).measurement
    assert (row.value, row.status) == (None, Status.COLLAPSED)


def test_a_good_value_does_not_show_that_questions_are_still_answered(make_trace) -> None:  # type: ignore[no-untyped-def]
    """Fluent text is nearly certain, and no retain question is answered right."""
    fluent, retain = make_trace("fluent"), make_trace("retain")
    traces = {
        "fluent": dataclasses.replace(
            fluent, gold_log_probs=np.full_like(fluent.gold_log_probs, -0.01)
        ),
        "retain": dataclasses.replace(retain, answers=("a fine day",) * len(retain)),
    }
    model = Evidence(traces)
    assert next(Perplexity().measure(model, References())).measurement.value == pytest.approx(
        1, abs=0.02
    )
    assert next(RetainAccuracy().measure(model, References())).measurement.value == 0


NOT_SHOWN = {"PPL": test_a_good_value_does_not_show_that_questions_are_still_answered}
