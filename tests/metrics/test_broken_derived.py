"""A model that rounding or training broke is no evidence that nothing comes back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from uqs.metrics.base import Evidence, Metric, References
from uqs.metrics.quantisation_recovery import QuantisationRecovery
from uqs.metrics.relearning_recovery import RelearningRecovery
from uqs.records import Status
from uqs.traces.trace import Trace

METRICS = [(QuantisationRecovery, "int4"), (RelearningRecovery, "relearn_10")]


def without_numbers(trace: Trace) -> Trace:
    gone = np.full_like(trace.gold_log_probs, np.nan)
    return replace(trace, answers=("",) * len(trace), gold_log_probs=gone)


def silent(trace: Trace) -> Trace:
    return replace(trace, answers=("",) * len(trace))


def rows(metric: type[Metric], model: Evidence, oracle: Evidence) -> dict[str, Status]:
    found = list(metric().measure(model, References({0: oracle})))
    for one in found:
        assert (one.measurement.value is None) == (one.measurement.status != Status.OK)
    return {one.measurement.split: one.measurement.status for one in found}


@pytest.mark.parametrize("broken", [without_numbers, silent])
@pytest.mark.parametrize(("metric", "made"), METRICS)
def test_a_broken_model_has_no_value(make_trace, metric, made, broken) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace("forget", 1)
    whole = Evidence({"forget": trace}, None, {made: {"forget": trace}})
    dead = Evidence({"forget": trace}, None, {made: {"forget": broken(trace)}})
    assert set(rows(metric, dead, whole).values()) == {Status.COLLAPSED}
    assert set(rows(metric, whole, whole).values()) == {Status.OK}
    own = rows(metric, whole, dead)
    assert own.pop("forget/above_oracle") == Status.COLLAPSED  # the oracle's own is broken
    assert set(own.values()) == {Status.OK}


def test_another_form_that_works_keeps_its_value(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace("forget", 1)
    interventions = {"int8": {"forget": trace}, "int4": {"forget": without_numbers(trace)}}
    found = rows(
        QuantisationRecovery, Evidence({"forget": trace}, None, interventions), Evidence({})
    )
    assert found["forget/int8"] == Status.OK
    assert found["forget/int4"] == found["forget"] == Status.COLLAPSED


def test_silence_that_was_there_before_is_no_damage(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = silent(make_trace("forget", 1))
    model = Evidence({"forget": trace}, None, {"int4": {"forget": trace}})
    (headline, *_) = QuantisationRecovery().measure(model, References())
    assert (headline.measurement.value, headline.measurement.status) == (0.0, Status.OK)
