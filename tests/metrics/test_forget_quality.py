from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ks_2samp

from uqs.metrics.base import Evidence, References
from uqs.metrics.forget_quality import ForgetQuality
from uqs.metrics.truth_ratio import TruthRatio, log_ratios
from uqs.records import Status
from uqs.traces.trace import Trace


def rows(model: Trace, oracle: Trace):  # type: ignore[no-untyped-def]
    references = References({5: Evidence({"forget": oracle})})
    found = list(ForgetQuality().measure(Evidence({"forget": model}), references))
    assert {one.oracle_seed for one in found} == {5}
    return {one.measurement.split: one.measurement for one in found}


def slow_statistic(a: np.ndarray, b: np.ndarray) -> float:
    """The largest distance of two distribution functions, at every value of either."""
    return max(abs(float(np.mean(a <= x) - np.mean(b <= x))) for x in (*a, *b))


def test_equals_the_test_on_the_ratios_themselves(make_trace) -> None:  # type: ignore[no-untyped-def]
    model, oracle = make_trace(seed=0), make_trace(seed=1)
    found = rows(model, oracle)
    ratios = [np.exp(log_ratios(trace)) for trace in (model, oracle)]
    assert found["forget"].value == pytest.approx(ks_2samp(*ratios).pvalue)
    assert found["forget/statistic"].value == pytest.approx(slow_statistic(*ratios))
    assert found["forget"].n == len(model)


def test_a_model_against_itself_cannot_be_told_apart(make_trace) -> None:  # type: ignore[no-untyped-def]
    found = rows(make_trace(), make_trace())
    assert (found["forget"].value, found["forget/statistic"].value) == (1, 0)


def test_a_shifted_model_is_told_apart(make_trace) -> None:  # type: ignore[no-untyped-def]
    oracle = make_trace()
    model = replace(oracle, candidate_losses=oracle.candidate_losses + 50)
    found = rows(model, oracle)
    assert found["forget/statistic"].value == 1
    assert found["forget"].value is not None
    assert found["forget"].value < 1e-9


def test_impossible_wrong_answers_have_a_rank(make_trace) -> None:  # type: ignore[no-untyped-def]
    oracle = make_trace()
    model = replace(oracle, candidate_losses=np.full_like(oracle.candidate_losses, np.inf))
    assert rows(model, oracle)["forget/statistic"].value == 1


def test_an_undefined_ratio_is_collapsed_and_none_is_no_trace(make_trace) -> None:  # type: ignore[no-untyped-def]
    oracle, broken = make_trace(seed=1), make_trace()
    broken.gold_log_probs[0] = np.nan
    assert rows(broken, oracle)["forget"].status is Status.COLLAPSED
    bare = [
        replace(t, candidates=((),) * len(t), candidate_losses=np.empty(0, np.float32))
        for t in (make_trace(), oracle)
    ]
    assert rows(*bare)["forget"].status is Status.MISSING_TRACE


def test_without_an_oracle_there_is_none(make_trace) -> None:  # type: ignore[no-untyped-def]
    (found,) = ForgetQuality().measure(Evidence({"forget": make_trace()}), References())
    assert found.measurement.status is Status.MISSING_ORACLE


def test_a_good_value_does_not_show_that_the_facts_are_gone(make_trace) -> None:  # type: ignore[no-untyped-def]
    """The model knows one half of the facts and the oracle guesses the other: equal ratios."""
    trace = make_trace()
    n = len(trace)
    known = np.arange(n) < n // 2

    def knowing(which: np.ndarray) -> Trace:
        log_probs = np.repeat(np.where(which, -0.01, -5.0), trace.lengths())
        wrong = np.full_like(trace.candidate_losses, 3.0)
        return replace(trace, gold_log_probs=log_probs.astype(np.float32), candidate_losses=wrong)

    model, oracle = knowing(known), knowing(~known)
    assert rows(model, oracle)["forget"].value == 1
    ratio = next(TruthRatio().measure(Evidence({"forget": model}), References())).per_sample
    other = next(TruthRatio().measure(Evidence({"forget": oracle}), References())).per_sample
    assert ratio is not None
    assert other is not None
    assert (np.abs(ratio.values - other.values) > 0.05).all()


NOT_SHOWN = {"FQ": test_a_good_value_does_not_show_that_the_facts_are_gone}
