from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uqs.metrics.accuracy import ForgetAccuracy
from uqs.metrics.base import Evidence, References
from uqs.metrics.truth_ratio import TruthRatio, indifference, log_ratios, truth_preferred
from uqs.records import Status
from uqs.traces.trace import Trace

NONE = References()


def plain_ratio(trace: Trace, sample: int) -> float:
    start, stop = trace.offsets[sample : sample + 2]
    right = float(np.exp(trace.gold_log_probs[start:stop].astype(float).mean()))
    before = sum(len(trace.candidates[i]) for i in range(sample))
    wrong = [
        float(np.exp(-float(trace.candidate_losses[before + j])))
        for j in range(len(trace.candidates[sample]))
    ]
    return sum(wrong) / len(wrong) / right


def test_equals_the_formula_on_every_split(make_trace) -> None:  # type: ignore[no-untyped-def]
    traces = {
        split: make_trace(split, seed)
        for seed, split in enumerate(("forget", "forget_reworded", "retain", "holdout"))
    }
    rows = {m.measurement.split: m for m in TruthRatio().measure(Evidence(traces), References())}
    for split, trace in traces.items():
        ratios = [plain_ratio(trace, i) for i in range(len(trace))]
        expected = [max(0, 1 - r) if split == "retain" else min(r, 1 / r) for r in ratios]
        assert rows[split].measurement.value == pytest.approx(np.mean(expected), rel=1e-5)
        assert rows[split].per_sample is not None
        assert rows[split].per_sample.values == pytest.approx(expected, rel=1e-5)


def test_the_mean_over_wrong_answers_is_the_arithmetic_one(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace(entities=1, each=1)
    one = dataclasses.replace(
        trace,
        gold_log_probs=np.full(len(trace.gold_ids), np.log(0.5), dtype=np.float32),
        candidate_losses=-np.log(np.array([0.01, 0.25], dtype=np.float32)),
    )
    assert np.exp(log_ratios(one))[0] == pytest.approx((0.01 + 0.25) / 2 / 0.5, rel=1e-5)


@given(st.floats(-5, 5))
def test_both_readings_of_a_ratio(log_ratio: float) -> None:
    ratio = np.exp(log_ratio)
    given = np.array([log_ratio])
    assert indifference(given)[0] == pytest.approx(min(ratio, 1 / ratio))
    assert truth_preferred(given)[0] == pytest.approx(max(0, 1 - ratio), abs=1e-12)


def test_ratios_beyond_any_number_are_read(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace()
    hopeless = dataclasses.replace(trace, gold_log_probs=np.full_like(trace.gold_log_probs, -1e4))
    assert indifference(log_ratios(hopeless)).max() == 0
    assert truth_preferred(log_ratios(hopeless)).max() == 0


def test_samples_without_wrong_answers_are_left_out(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace(entities=2, each=2)
    some = dataclasses.replace(
        trace,
        candidates=((), ("blue",), (), ("blue", "green")),
        candidate_losses=trace.candidate_losses[:3],
    )
    found = next(TruthRatio().measure(Evidence({"forget": some}), References()))
    expected = [min(r, 1 / r) for r in (plain_ratio(some, 1), plain_ratio(some, 3))]
    assert found.measurement.n == 2
    assert found.measurement.value == pytest.approx(np.mean(expected), rel=1e-5)
    none = dataclasses.replace(
        trace, candidates=((),) * 4, candidate_losses=trace.candidate_losses[:0]
    )
    found = next(TruthRatio().measure(Evidence({"forget": none}), References()))
    assert (found.measurement.value, found.measurement.status) == (None, Status.TOO_FEW)


@pytest.mark.parametrize("split", ["forget", "retain"])
@pytest.mark.parametrize(
    ("field", "bad"),
    [("gold_log_probs", -np.inf), ("gold_log_probs", np.nan), ("candidate_losses", np.nan)],
)
def test_an_answer_without_probability_is_collapsed(make_trace, split, field, bad) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace(split)
    getattr(trace, field)[3] = bad
    rows = {m.measurement.split: m for m in TruthRatio().measure(Evidence({split: trace}), NONE)}
    assert rows[split].measurement.status is Status.COLLAPSED


def test_wrong_answers_may_be_impossible(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace("retain")
    trace.candidate_losses[:] = np.inf
    rows = {m.measurement.split: m for m in TruthRatio().measure(Evidence({"retain": trace}), NONE)}
    assert rows["retain"].measurement.value == 1


def test_a_good_value_does_not_show_that_the_right_answer_is_not_given(make_trace) -> None:  # type: ignore[no-untyped-def]
    """Right and wrong answers are as good as equally likely, and the right one is always given."""
    trace = make_trace()
    given = dataclasses.replace(
        trace,
        gold_log_probs=np.full_like(trace.gold_log_probs, np.log(0.34)),
        candidate_losses=np.full_like(trace.candidate_losses, -np.log(0.33)),
        answers=("red",) * len(trace),
    )
    model = Evidence({"forget": given})
    assert next(TruthRatio().measure(model, References())).measurement.value == pytest.approx(
        0.33 / 0.34, rel=1e-5
    )
    assert next(ForgetAccuracy().measure(model, References())).measurement.value == 1


NOT_SHOWN = {"TR": test_a_good_value_does_not_show_that_the_right_answer_is_not_given}
