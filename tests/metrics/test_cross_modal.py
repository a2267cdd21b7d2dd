"""Facts told in one form only, counted by hand and by a plain loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from uqs.metrics.base import Evidence, References
from uqs.metrics.cross_modal import CrossModalDisagreement
from uqs.records import Measurement, Status
from uqs.traces.trace import Trace

MakePair = Callable[..., tuple[Trace, Trace, tuple[np.ndarray, np.ndarray]]]


@pytest.fixture
def told(make_pair: MakePair) -> Callable[..., dict[str, Measurement]]:
    """The rows of a model of 12 questions: three forms of four facts, of two people."""

    def measure(right: dict[str, str]) -> dict[str, Measurement]:
        trace = make_pair(0, 3, 1.0)[0]
        facts = [f"{who}/{fact}" for who in "ab" for fact in "xy"]
        ids = [f"{fact}@{form}" for form in ("picture", "text", "both") for fact in facts]
        answers = tuple(
            "red" if fact in right.get(form, "").split() else "blue"
            for fact, _, form in (i.rpartition("@") for i in ids)
        )
        asked = replace(trace, ids=tuple(ids), entities=tuple(i[0] for i in ids), answers=answers)
        found = CrossModalDisagreement().measure(Evidence({"forget": asked}), References())
        return {one.measurement.split: one.measurement for one in found}

    return measure


def test_facts_told_in_one_form_only(told: Callable[..., dict[str, Measurement]]) -> None:
    rows = told({"picture": "a/x b/x", "text": "a/x a/y b/y", "both": "a/x a/y b/x b/y"})
    assert {split: (row.value, row.n) for split, row in rows.items()} == {
        "forget": (0.75, 4),
        "forget/by_text_alone": (0.5, 4),
        "forget/by_picture_alone": (0.25, 4),
    }
    # per person 1 and 2 of 2 facts: residual sums -0.5 and 0.5, so sqrt(2 / 1 * 0.5 / 16)
    assert rows["forget"].se == pytest.approx(sqrt(2 * 0.5 / 16))


def test_an_original_and_a_model_that_knows_nothing_have_none(
    told: Callable[..., dict[str, Measurement]],
) -> None:
    every = "a/x a/y b/x b/y"
    for right in ({"picture": every, "text": every}, {"both": every}):
        assert {row.value for row in told(right).values()} == {0.0}


def test_without_both_forms_it_is_undefined(make_pair: MakePair) -> None:
    trace = make_pair(0, 3, 1.0)[0]
    metric = CrossModalDisagreement()
    pictures = replace(trace, ids=tuple(f"{i}@picture" for i in trace.ids))
    for one in (trace, pictures):
        (row,) = metric.measure(Evidence({"forget": one}), References())
        assert (row.measurement.status, row.measurement.value) == (Status.TOO_FEW, None)
    (row,) = metric.measure(Evidence({}), References())
    assert row.measurement.status == Status.MISSING_TRACE


NOT_SHOWN = {"CMD": test_an_original_and_a_model_that_knows_nothing_have_none}
