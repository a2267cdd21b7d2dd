from __future__ import annotations

import pytest

from uqs.metrics.accuracy import ForgetAccuracy, RetainAccuracy
from uqs.metrics.base import Evidence, References


def test_share_of_right_answers_by_a_plain_count(make_trace) -> None:  # type: ignore[no-untyped-def]
    traces = {name: make_trace(name, seed) for seed, name in enumerate(("forget", "holdout"))}
    rows = [m.measurement for m in ForgetAccuracy().measure(Evidence(traces), References())]
    assert [row.split for row in rows] == ["forget", "holdout"]
    for row in rows:
        right = sum(answer == "Red." for answer in traces[row.split].answers)
        assert row.value == pytest.approx(right / 24)
        assert row.n == 24
        assert row.se is not None


def test_retain_accuracy_reads_its_own_splits(make_trace) -> None:  # type: ignore[no-untyped-def]
    traces = {name: make_trace(name) for name in ("retain", "neighbour", "forget")}
    rows = [m.measurement for m in RetainAccuracy().measure(Evidence(traces), References())]
    assert [(row.metric, row.split) for row in rows] == [("RA", "retain"), ("RA", "neighbour")]
