from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uqs.metrics.accuracy import RetainAccuracy
from uqs.metrics.base import Evidence, References
from uqs.metrics.repetition import Repetition, repeated
from uqs.records import Status


@pytest.mark.parametrize(
    ("answer", "share"),
    [
        ("red red red red", 2 / 3),
        ("a b a b a", 2 / 4),
        ("Red, red. RED", 1 / 2),
        ("one two three", 0),
        ("one two", 0),
    ],
)
def test_by_hand(answer: str, share: float) -> None:
    assert repeated(answer) == pytest.approx(share)


@given(st.lists(st.sampled_from(["x", "y", "z"]), min_size=2, max_size=12))
def test_equals_a_count_of_pairs_seen_before(said: list[str]) -> None:
    again = 0
    for at in range(1, len(said)):
        again += any(said[k - 1 : k + 1] == said[at - 1 : at + 1] for k in range(1, at))
    assert repeated(" ".join(said)) == pytest.approx(again / (len(said) - 1))


def test_answers_of_one_word_are_left_out(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace("retain", entities=2, each=2)
    said = dataclasses.replace(trace, answers=("red", "", "no no no", "red and blue"))
    rows = [
        m.measurement
        for m in Repetition().measure(
            Evidence({"retain": said, "forget": make_trace()}), References()
        )
    ]
    assert [(row.split, row.n, row.status) for row in rows] == [
        ("retain", 2, Status.OK),
        ("forget", 0, Status.TOO_FEW),  # every made-up answer is one word
    ]
    assert rows[0].value == pytest.approx(np.mean([1 / 2, 0]))


def test_a_good_value_does_not_show_that_answers_fit_their_questions(make_trace) -> None:  # type: ignore[no-untyped-def]
    """One sentence, whatever is asked."""
    trace = make_trace("retain")
    same = dataclasses.replace(trace, answers=("it is a fine day",) * len(trace))
    model = Evidence({"retain": same})
    assert next(Repetition().measure(model, References())).measurement.value == 0
    assert next(RetainAccuracy().measure(model, References())).measurement.value == 0


NOT_SHOWN = {"REP": test_a_good_value_does_not_show_that_answers_fit_their_questions}
