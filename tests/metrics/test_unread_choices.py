from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from uqs.judging.rules import offered
from uqs.metrics.accuracy import RetainAccuracy
from uqs.metrics.base import Evidence, References
from uqs.metrics.unread_choices import (
    UnreadChoices,
    differs,
    paired_difference,
    unpaired_difference,
)
from uqs.records import Status
from uqs.traces.trace import Trace


def choosing(trace: Trace, *answers: str) -> Trace:
    n = len(trace)
    return dataclasses.replace(
        trace,
        tasks=("classification",) * n,
        golds=("B",) * n,
        answers=tuple(answers[i % len(answers)] for i in range(n)),
        candidates=(("A", "C", "D"),) * n,
        candidate_losses=np.ones(3 * n, np.float32),
    )


def rows(traces: dict[str, Trace]):  # type: ignore[no-untyped-def]
    return [found.measurement for found in UnreadChoices().measure(Evidence(traces), References())]


def test_share_by_hand_on_every_split(make_trace) -> None:  # type: ignore[no-untyped-def]
    said = {
        "retain": ("**B**", "I do not know", "B", "Paris"),
        "forget": ("(c)", "The answer is A", "b", "B."),
        "holdout": ("", "A or B", "F", "Not B"),
    }
    traces = {split: choosing(make_trace(split), *answers) for split, answers in said.items()}
    assert [(row.split, row.value) for row in rows(traces)] == [
        ("retain", pytest.approx(0.5)),
        ("forget", 0),
        ("holdout", 1),
    ]


def test_open_questions_are_not_counted(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = choosing(make_trace("retain"), "B", "Paris")
    n = len(trace)
    mixed = dataclasses.replace(
        trace, tasks=("classification", "short", "short", "short") * (n // 4)
    )
    (row,) = rows({"retain": mixed})
    assert (row.value, row.n) == (0, n // 4)
    (row,) = rows({"retain": dataclasses.replace(trace, tasks=("short",) * n)})
    assert (row.value, row.status) == (None, Status.TOO_FEW)
    assert rows({"forget": trace})[0].status is Status.MISSING_TRACE


def test_letters_offered_are_known_where_the_wrong_ones_are() -> None:
    assert offered("B", ("A", "C")) == {"A", "B", "C"}
    assert offered("B", ()) is None
    assert offered("B", ("Paris",)) is None


def test_differences_are_paired_by_question_and_clustered_by_entity(make_trace) -> None:  # type: ignore[no-untyped-def]
    original = choosing(make_trace(entities=8, each=5), "B", "Paris", "B", "B", "B")
    model = choosing(original, "Paris", "Paris", "B", "B", "B")
    found = paired_difference(model, original)
    # one answer in five changes, the same in every entity: no noise is left
    assert found == (pytest.approx(0.2), pytest.approx(0, abs=1e-9))
    once = dataclasses.replace(original, answers=("Paris", *original.answers[1:]))
    value, se = paired_difference(once, original)  # type: ignore[misc]
    by_entity = np.array([1, *[0] * 7]) / 5
    assert value == pytest.approx(1 / 40)
    assert se == pytest.approx(by_entity.std(ddof=1) / np.sqrt(8))
    with pytest.raises(ValueError, match="different samples"):
        paired_difference(model, dataclasses.replace(original, ids=model.ids[::-1]))


@pytest.mark.parametrize(
    ("difference", "se", "said"),
    [
        (0.0, 0.0, False),
        (0.02, 0.01, False),
        (0.04, 0.01, True),
        (-0.04, 0.01, True),
        (0.05, 0.05, True),
        (-0.3, None, True),
        (0.04, None, False),
    ],
)
def test_a_difference_is_said_when_large_or_beyond_three_errors(difference, se, said) -> None:  # type: ignore[no-untyped-def]
    assert differs(difference, se) is said


def test_equal_models_are_seldom_told_apart() -> None:
    """Two shares of 2% of 400 answers in 40 entities that differ by chance alone."""
    rng = np.random.default_rng(0)
    told = 0
    for _ in range(2000):
        a, b = (rng.random(400) < 0.02 for _ in "ab")
        d = (a.astype(float) - b).reshape(40, 10).mean(axis=1)
        told += differs(float(d.mean()), float(d.std(ddof=1) / np.sqrt(40)))
    assert told / 2000 < 0.01


def test_unpaired_errors_add_in_squares() -> None:
    assert unpaired_difference(0.5, 0.3, 0.1, 0.4) == (pytest.approx(0.4), pytest.approx(0.5))
    assert unpaired_difference(0.5, None, 0.1, 0.4) == (pytest.approx(0.4), None)


def test_a_good_value_does_not_show_that_choices_are_made_with_knowledge(make_trace) -> None:  # type: ignore[no-untyped-def]
    """One letter to every question."""
    model = Evidence({"retain": choosing(make_trace("retain"), "A")})
    assert next(UnreadChoices().measure(model, References())).measurement.value == 0
    assert next(RetainAccuracy().measure(model, References())).measurement.value == 0


NOT_SHOWN = {"UNREAD": test_a_good_value_does_not_show_that_choices_are_made_with_knowledge}
