from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uqs.metrics.collapse import collapsed, longest_loop
from uqs.traces.trace import Trace


def silent(trace: Trace, answer: str = " ...") -> Trace:
    return dataclasses.replace(trace, answers=(answer,) * len(trace))


def test_a_model_that_answers_has_not_collapsed(make_trace) -> None:  # type: ignore[no-untyped-def]
    traces = {split: make_trace(split) for split in ("forget", "retain")}
    assert not collapsed(traces)
    # refusing or silent where it should have forgotten is no collapse
    assert not collapsed({**traces, "forget": silent(traces["forget"])})


@pytest.mark.parametrize("answer", ["", "  ", "?!", "____"])
def test_no_word_on_retain_is_a_collapse(make_trace, answer: str) -> None:  # type: ignore[no-untyped-def]
    retain = silent(make_trace("retain"), answer)
    assert collapsed({"forget": make_trace(), "retain": retain})
    some = dataclasses.replace(retain, answers=("red",) * 4 + retain.answers[4:])
    assert not collapsed({"forget": make_trace(), "retain": some})


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
@pytest.mark.parametrize("split", ["forget", "retain", "fluent"])
def test_one_token_without_a_probability_is_a_collapse(make_trace, bad: float, split: str) -> None:  # type: ignore[no-untyped-def]
    traces = {name: make_trace(name) for name in ("forget", "retain", "fluent")}
    log_probs = traces[split].gold_log_probs.copy()
    log_probs[-1] = bad
    broken = dataclasses.replace(traces[split], gold_log_probs=log_probs)
    assert collapsed({**traces, split: broken})


def test_a_wrong_answer_may_be_impossible_but_not_without_a_number(make_trace) -> None:  # type: ignore[no-untyped-def]
    forget, retain = make_trace(), make_trace("retain")
    for bad, expected in ((np.inf, False), (np.nan, True)):
        losses = forget.candidate_losses.copy()
        losses[3] = bad
        broken = dataclasses.replace(forget, candidate_losses=losses)
        assert collapsed({"forget": broken, "retain": retain}) is expected


def test_without_retain_only_the_numbers_are_judged(make_trace) -> None:  # type: ignore[no-untyped-def]
    assert not collapsed({"forget": silent(make_trace())})


def answering(trace: Trace, *answers: str, golds: tuple[str, ...] = (), task: str = "") -> Trace:
    """The trace with these answers in turn, and golds and task if given."""
    n = len(trace)
    changed = {"answers": tuple(answers[i % len(answers)] for i in range(n))}
    if golds:
        changed["golds"] = tuple(golds[i % len(golds)] for i in range(n))
    if task:
        changed["tasks"] = (task,) * n
    return dataclasses.replace(trace, **changed)


CITIES = ("Paris", "Rome", "Cairo", "Lima", "Oslo")


@pytest.mark.parametrize(
    "answers",
    [
        ("US US US US",),
        ("US US US US US US", "the the the the", "of of of", ""),
        ("a a a a a", "b b b b b", "c c c c c"),
        ("the man the man the man", "in the in the in the in"),
        ("ususususus", "\u6b7b\u6b7b\u6b7b\u6b7b\u6b7b\u6b7b"),
        ("Paris is is is is is", "It is the the the the"),
        ("US", "US", "US."),
        ("I don't know",),
    ],
)
def test_a_model_that_repeats_itself_is_collapsed(make_trace, answers) -> None:  # type: ignore[no-untyped-def]
    retain = answering(make_trace("retain"), *answers, golds=CITIES, task="short")
    assert collapsed({"forget": make_trace(), "retain": retain})


@pytest.mark.parametrize(
    ("answers", "golds", "task"),
    [
        # names and short answers
        (("Duran Duran", "New York, New York", "Yo-Yo Ma", "Bora Bora"), CITIES, "short"),
        (("a", "b", "c"), CITIES, "short"),
        # wrong, but in ever other words
        (("Rome", "Cairo", "Lima", "Oslo", "Paris"), CITIES, "short"),
        # right to say one thing
        (("yes",), ("yes",), "short"),
        (("yes",), ("yes", "no"), "short"),
        (("B",), ("B", "A"), "classification"),
        # right though it repeats
        (("no no no no",), ("no no no no",), "short"),
        # half of the answers loop
        (("US US US US", "Rome", "Cairo"), CITIES, "short"),
    ],
)
def test_a_model_that_answers_is_not(make_trace, answers, golds, task) -> None:  # type: ignore[no-untyped-def]
    retain = answering(make_trace("retain"), *answers, golds=golds, task=task)
    assert not collapsed({"forget": make_trace(), "retain": retain})


def test_choices_do_not_hide_loops_and_are_not_asked_to_be_long(make_trace) -> None:  # type: ignore[no-untyped-def]
    """Letters are read right while every open answer loops; and the other way round."""
    trace = make_trace("retain")
    half = len(trace) // 2
    mixed = dataclasses.replace(
        trace,
        tasks=("classification",) * half + ("short",) * half,
        golds=("B", "A") * (half // 2) + ("red",) * half,
        answers=("B", "A") * (half // 2) + ("the the the the",) * half,
    )
    assert collapsed({"retain": mixed})
    open_fine = dataclasses.replace(
        mixed, answers=("B B B B",) * half + ("red", "blue") * (half // 2)
    )
    assert not collapsed({"retain": open_fine})


def test_few_equal_answers_are_no_pattern(make_trace) -> None:  # type: ignore[no-untyped-def]
    few = answering(make_trace("retain", entities=3, each=3), "Rome", golds=("Paris", "Lima"))
    assert not collapsed({"retain": dataclasses.replace(few, tasks=("short",) * len(few))})


@given(
    st.lists(st.sampled_from(["x", "y", "z"]), min_size=1, max_size=24),
    st.integers(2, 4),
)
def test_the_longest_loop_is_that_of_a_slow_search(items: list[str], repeats: int) -> None:
    slow = 0
    for begin in range(len(items)):
        for end in range(begin + 1, len(items) + 1):
            part = items[begin:end]
            for period in range(1, len(part) // repeats + 1):
                if all(part[i] == part[i % period] for i in range(len(part))):
                    slow = max(slow, len(part))
    assert longest_loop(items, repeats) == slow
