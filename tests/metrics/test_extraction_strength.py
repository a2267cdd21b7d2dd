from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from uqs.metrics.base import Evidence, References
from uqs.metrics.exact_memorisation import ExactMemorisation
from uqs.metrics.extraction_strength import ExtractionStrength
from uqs.records import Status
from uqs.traces.trace import Trace


def ranked(trace: Trace, *answers: list[int]) -> Trace:
    """The trace's first samples with these ranks of their gold tokens."""
    lengths = [len(ranks) for ranks in answers]
    places = np.resize(np.arange(len(trace.gold_ids)), sum(lengths))
    by_position = ("gold_ids", "gold_log_probs", "means", "variances", "tail_masses")
    held = {name: getattr(trace, name)[places] for name in (*by_position, "top_log_probs")}
    return dataclasses.replace(
        trace.take(range(len(answers))),
        offsets=np.cumsum([0, *lengths]).astype(np.int64),
        gold_ranks=np.concatenate(answers).astype(np.int64),
        **held,
    )


def plain_strength(ranks: list[int]) -> float:
    for k in range(len(ranks) + 1):
        if all(rank == 0 for rank in ranks[k:]):
            return 1 - k / len(ranks)
    raise AssertionError


def test_by_hand(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = ranked(make_trace(), [0, 0, 0, 0], [5, 0, 0, 0], [0, 3, 0, 0], [0, 0, 0, 1], [2])
    assert ExtractionStrength().values(trace).tolist() == [1, 0.75, 0.5, 0, 0]


def test_equals_a_search_for_the_shortest_beginning(make_trace) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(1)
    answers = [(rng.random(rng.integers(1, 9)) < 0.3).astype(int).tolist() for _ in range(24)]
    traces = {split: ranked(make_trace(split), *answers) for split in ("forget", "holdout")}
    rows = list(ExtractionStrength().measure(Evidence(traces), References()))
    assert [m.measurement.split for m in rows] == ["forget", "holdout"]
    expected = [plain_strength(ranks) for ranks in answers]
    assert rows[0].per_sample is not None
    assert rows[0].per_sample.values == pytest.approx(expected)
    assert rows[0].measurement.value == pytest.approx(np.mean(expected))


def test_without_forget_there_is_a_status(make_trace) -> None:  # type: ignore[no-untyped-def]
    first = next(
        ExtractionStrength().measure(Evidence({"retain": make_trace("retain")}), References())
    )
    assert first.measurement.status is Status.MISSING_TRACE


def test_a_good_value_does_not_show_that_little_is_known_by_heart(make_trace) -> None:  # type: ignore[no-untyped-def]
    """Nineteen of twenty tokens are recited."""
    trace = ranked(make_trace(), *[[0] * 19 + [1] for _ in range(24)])
    model = Evidence({"forget": trace})
    assert next(ExtractionStrength().measure(model, References())).measurement.value == 0
    assert next(ExactMemorisation().measure(model, References())).measurement.value == (
        pytest.approx(0.95)
    )


NOT_SHOWN = {"ES": test_a_good_value_does_not_show_that_little_is_known_by_heart}
