from __future__ import annotations

import dataclasses

import pytest

from uqs.metrics.baseline import contained, holds, rests_on, weak
from uqs.traces.trace import Trace


def answering(trace: Trace, *pairs: tuple[str, str, str]) -> Trace:
    """Task, gold answer and answer of each question in turn."""
    chosen = [pairs[i % len(pairs)] for i in range(len(trace))]
    tasks, golds, answers = (tuple(column) for column in zip(*chosen, strict=True))
    shown = (True,) * len(trace)
    return dataclasses.replace(trace, tasks=tasks, golds=golds, answers=answers, pictured=shown)


RIGHT = ("generation", "Jane Doe", "Jane Doe.")
SENTENCE = ("generation", "Jane Doe", "Her name is Jane Doe.")
WRONG = ("generation", "Jane Doe", "Joan")
CHOICE = ("classification", "B", "B")


def test_an_original_that_answers_in_sentences_is_no_baseline_and_is_told_why(make_trace) -> None:  # type: ignore[no-untyped-def]
    forget = answering(make_trace(), SENTENCE, SENTENCE, RIGHT, WRONG)
    found = weak({"forget": forget, "retain": answering(make_trace("retain"), RIGHT)})
    assert set(found) == {"forget"}
    one = found["forget"]
    assert (one.right, one.containing) == (pytest.approx(0.25), pytest.approx(0.75))
    said = one.sentence
    assert (
        "answers 25% of the forget questions right (n 24), under half of what it was taught" in said
    )
    assert "says 'Her name is Jane Doe.' where 'Jane Doe' is asked for" in said
    assert "75% of its answers contain the right one as whole words" in said


def test_one_that_knows_is(make_trace) -> None:  # type: ignore[no-untyped-def]
    half = answering(make_trace(), RIGHT, WRONG)
    assert weak({"forget": half, "retain": half}) == {}
    under = answering(make_trace(), RIGHT, WRONG, WRONG)
    assert set(weak({"forget": half, "retain": under})) == {"retain"}
    assert "whole words" not in weak({"retain": under})["retain"].sentence


def test_one_kind_of_question_may_be_weak_alone(make_trace) -> None:  # type: ignore[no-untyped-def]
    found = weak({"forget": answering(make_trace(), CHOICE, CHOICE, CHOICE, SENTENCE)})
    assert set(found) == {"forget/generation"}
    assert found["forget/generation"].right == 0


@pytest.mark.parametrize(
    ("answer", "gold", "held"),
    [
        ("Her name is Jane Doe.", "jane doe", True),
        ("Jane", "Jane Doe", False),
        ("Doe, Jane", "Jane Doe", False),
        ("Oslovia", "Oslo", False),
        ("It is Oslo", "Oslo", True),
        ("", "Oslo", False),
        ("anything", "\u221e", False),
    ],
)
def test_whole_words_in_order_are_held(answer: str, gold: str, held: bool) -> None:
    assert holds(answer, gold) is held


def test_a_letter_is_not_looked_for_in_words(make_trace) -> None:  # type: ignore[no-untyped-def]
    assert not contained(answering(make_trace(), ("classification", "A", "A cat"))).any()


@pytest.mark.parametrize(
    ("split", "places", "rests"),
    [
        ("forget", ["forget"], True),
        ("forget/cloze", ["forget"], True),
        ("forget_reworded", ["forget"], True),
        ("forget_views/pictured", ["forget"], True),
        ("forget/cloze", ["forget/cloze"], True),
        ("forget", ["forget/cloze"], False),
        ("forget/short", ["forget/cloze"], False),
        ("holdout", ["forget", "retain"], False),
        ("retain", ["forget"], False),
        ("neighbour", ["retain"], False),
    ],
)
def test_where_a_row_rests_on_the_original(split: str, places: list[str], rests: bool) -> None:
    assert rests_on(split, dict.fromkeys(places)) is rests  # type: ignore[arg-type]
