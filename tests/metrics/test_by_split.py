from __future__ import annotations

import dataclasses

import numpy as np

from uqs.metrics.base import Evidence, Floats, References
from uqs.metrics.by_split import SplitMetric, parts
from uqs.metrics.catalogue import CARDS
from uqs.records import Status
from uqs.traces.trace import Trace


class Ones(SplitMetric):
    card = CARDS["FA"]
    also = ("holdout",)

    def values(self, trace: Trace) -> Floats:
        return np.ones(len(trace))


def test_parts_by_task_and_modality_where_there_are_two(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace(entities=2, each=3)
    mixed = dataclasses.replace(
        trace,
        tasks=("short", "cloze", "short", "cloze", "cloze", "classification"),
        pictured=(True, False, True, True, True, True),
    )
    found = {name: np.flatnonzero(kept).tolist() for name, kept in parts(mixed)}
    assert found == {
        "classification": [5],
        "cloze": [1, 3, 4],
        "short": [0, 2],
        "pictured": [0, 2, 3, 4, 5],
        "text_only": [1],
    }
    assert list(parts(dataclasses.replace(mixed, tasks=("short",) * 6, pictured=(True,) * 6))) == []


def test_a_missing_headline_has_a_status_and_a_missing_further_split_no_row(make_trace) -> None:  # type: ignore[no-untyped-def]
    only_forget = [m.measurement for m in Ones().measure(Evidence({"forget": make_trace()}), NONE)]
    assert [row.split for row in only_forget] == ["forget"]
    only_holdout = list(Ones().measure(Evidence({"holdout": make_trace("holdout")}), NONE))
    assert [(m.measurement.split, m.measurement.status) for m in only_holdout] == [
        ("forget", Status.MISSING_TRACE),
        ("holdout", Status.OK),
    ]


NONE = References()
