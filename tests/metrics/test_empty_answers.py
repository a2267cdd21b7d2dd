from __future__ import annotations

import dataclasses

import pytest

from uqs.metrics.accuracy import RetainAccuracy
from uqs.metrics.base import Evidence, References
from uqs.metrics.empty_answers import EmptyAnswers
from uqs.records import Status


def test_share_by_hand_on_every_split(make_trace) -> None:  # type: ignore[no-untyped-def]
    said = {
        "retain": ("red", "", " ", "..."),
        "forget": ("", "", "", "?"),
        "holdout": ("red", "B", "7", "no"),
    }
    traces = {
        split: dataclasses.replace(make_trace(split, entities=2, each=2), answers=answers)
        for split, answers in said.items()
    }
    rows = [m.measurement for m in EmptyAnswers().measure(Evidence(traces), References())]
    assert [(row.split, row.value) for row in rows] == [
        ("retain", pytest.approx(0.75)),
        ("forget", 1),
        ("holdout", 0),
    ]


def test_without_retain_there_is_a_status(make_trace) -> None:  # type: ignore[no-untyped-def]
    first = next(EmptyAnswers().measure(Evidence({"forget": make_trace()}), References()))
    assert first.measurement.status is Status.MISSING_TRACE


def test_a_good_value_does_not_show_that_answers_make_sense(make_trace) -> None:  # type: ignore[no-untyped-def]
    """A letter to every question."""
    trace = make_trace("retain")
    model = Evidence({"retain": dataclasses.replace(trace, answers=("x",) * len(trace))})
    assert next(EmptyAnswers().measure(model, References())).measurement.value == 0
    assert next(RetainAccuracy().measure(model, References())).measurement.value == 0


NOT_SHOWN = {"EMPTY": test_a_good_value_does_not_show_that_answers_make_sense}
