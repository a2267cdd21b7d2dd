from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from uqs.metrics.base import Evidence, References
from uqs.metrics.exact_memorisation import ExactMemorisation
from uqs.records import Status


def test_equals_the_argmax_of_whole_distributions(make_trace) -> None:  # type: ignore[no-untyped-def]
    traces = {
        split: make_trace(split, seed, vocabulary=3)
        for seed, split in enumerate(("forget", "retain", "holdout"))
    }
    rows = list(ExactMemorisation().measure(Evidence(traces), References()))
    assert [m.measurement.split for m in rows] == ["forget", "retain", "holdout"]
    for found in rows:
        trace = traces[found.measurement.split]
        hits = trace.top_log_probs.argmax(1) == trace.gold_ids
        expected = [
            hits[start:stop].mean()
            for start, stop in zip(trace.offsets[:-1], trace.offsets[1:], strict=True)
        ]
        assert 0 < np.mean(expected) < 1
        assert found.measurement.value == pytest.approx(np.mean(expected))


def test_without_forget_there_is_a_status(make_trace) -> None:  # type: ignore[no-untyped-def]
    first = next(
        ExactMemorisation().measure(Evidence({"retain": make_trace("retain")}), References())
    )
    assert first.measurement.status is Status.MISSING_TRACE


def test_a_good_value_does_not_show_that_the_answer_is_out_of_reach(make_trace) -> None:  # type: ignore[no-untyped-def]
    """Every gold token is one of the two likeliest, so a search two wide has it."""
    trace = make_trace()
    logs = np.full_like(trace.top_log_probs, np.log(0.01 / (trace.vocabulary - 2)))
    at = np.arange(len(trace.gold_ids))
    logs[at, (trace.gold_ids + 1) % trace.vocabulary] = np.log(0.5)
    logs[at, trace.gold_ids] = np.log(0.49)
    second = dataclasses.replace(
        trace,
        top_log_probs=logs,
        gold_log_probs=logs[at, trace.gold_ids],
        gold_ranks=(logs > logs[at, trace.gold_ids][:, None]).sum(1),
    )
    found = next(ExactMemorisation().measure(Evidence({"forget": second}), References()))
    assert found.measurement.value == 0
    two_likeliest = np.argsort(-second.top_log_probs, axis=1)[:, :2]
    assert (two_likeliest == second.gold_ids[:, None]).any(1).all()


NOT_SHOWN = {"EM": test_a_good_value_does_not_show_that_the_answer_is_out_of_reach}
