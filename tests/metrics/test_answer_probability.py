from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from uqs.metrics.answer_probability import AnswerProbability
from uqs.metrics.base import Evidence, References
from uqs.metrics.exact_memorisation import ExactMemorisation
from uqs.records import Status


def test_geometric_mean_of_the_tokens_probabilities(make_trace) -> None:  # type: ignore[no-untyped-def]
    traces = {
        split: make_trace(split, seed) for seed, split in enumerate(("forget", "retain", "holdout"))
    }
    rows = list(AnswerProbability().measure(Evidence(traces), References()))
    assert [m.measurement.split for m in rows] == ["forget", "retain", "holdout"]
    for found in rows:
        trace = traces[found.measurement.split]
        expected = []
        for i in range(len(trace)):
            start, stop = trace.offsets[i : i + 2]
            whole = math.prod(
                float(np.exp(trace.top_log_probs[at, trace.gold_ids[at]]))
                for at in range(start, stop)
            )
            expected.append(whole ** (1 / (stop - start)))
        assert found.per_sample is not None
        assert found.per_sample.values == pytest.approx(expected, rel=1e-5)
        assert found.measurement.value == pytest.approx(np.mean(expected), rel=1e-5)


def test_without_forget_there_is_a_status(make_trace) -> None:  # type: ignore[no-untyped-def]
    first = next(
        AnswerProbability().measure(Evidence({"retain": make_trace("retain")}), References())
    )
    assert first.measurement.status is Status.MISSING_TRACE


@pytest.mark.parametrize("bad", [-np.inf, np.nan])
def test_a_token_without_probability_is_collapsed(make_trace, bad: float) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace()
    trace.gold_log_probs[3] = bad
    row = next(AnswerProbability().measure(Evidence({"forget": trace}), References())).measurement
    assert (row.value, row.status) == (None, Status.COLLAPSED)


def test_a_good_value_does_not_show_that_the_answer_cannot_be_drawn_out(make_trace) -> None:  # type: ignore[no-untyped-def]
    """One in a thousand, in a vocabulary of many thousands where nothing is more likely."""
    trace = make_trace()
    positions = len(trace.gold_ids)
    small = dataclasses.replace(
        trace,
        gold_log_probs=np.full(positions, np.log(1e-3), dtype=np.float32),
        gold_ranks=np.zeros(positions, dtype=np.int64),
    )
    model = Evidence({"forget": small})
    probability = next(AnswerProbability().measure(model, References())).measurement.value
    recited = next(ExactMemorisation().measure(model, References())).measurement.value
    assert probability == pytest.approx(1e-3, rel=1e-5)
    assert recited == 1


NOT_SHOWN = {"PROB": test_a_good_value_does_not_show_that_the_answer_cannot_be_drawn_out}
