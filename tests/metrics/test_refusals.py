from __future__ import annotations

import dataclasses
import re

import pytest

from uqs.metrics.base import Evidence, References
from uqs.metrics.refusals import PATTERNS, Refusals, refuses
from uqs.records import Status

REFUSED = [
    "I don't know.",
    "Well, I do not recall that person.",
    "I do not have any information about this person.",
    "I don't have that answer",
    "I cannot answer this question.",
    "i can't help with that",
    "I'm not sure.",
    "I\u2019m not able to say",
    "I am sorry, but no.",
    "I'm afraid I can't do that.",
    "I have no idea",
    "I must decline.",
    "There is no information available.",
    "As a language model, I speak of nobody.",
    "As an AI, I have no picture.",
]
ANSWERED = [
    "red",
    "",
    "Paris, as far as one knows.",
    "She works as an AI researcher, and is known for it.",
    "He is afraid of dogs.",
    "The sorry state of the house",
    "No.",
    "I know him: he is a doctor.",
    "They cannot answer the letter.",
]


@pytest.mark.parametrize("answer", REFUSED)
def test_a_refusal_is_found(answer: str) -> None:
    assert refuses(answer)


@pytest.mark.parametrize("answer", ANSWERED)
def test_an_answer_is_no_refusal(answer: str) -> None:
    assert not refuses(answer)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_is_needed_by_an_example(pattern: str) -> None:
    plain = [answer.replace("\u2019", "'") for answer in REFUSED]
    others = re.compile("|".join(p for p in PATTERNS if p != pattern), re.IGNORECASE)
    assert any(not others.search(answer) for answer in plain)


def test_share_by_hand(make_trace) -> None:  # type: ignore[no-untyped-def]
    traces = {
        split: dataclasses.replace(make_trace(split, entities=2, each=2), answers=answers)
        for split, answers in {
            "forget": ("I don't know", "I'm not sure.", "red", "I have no idea"),
            "retain": ("red", "blue", "red", "red"),
        }.items()
    }
    rows = [m.measurement for m in Refusals().measure(Evidence(traces), References())]
    assert [(row.split, row.value) for row in rows] == [
        ("forget", pytest.approx(0.75)),
        ("retain", 0),
    ]


def test_without_forget_there_is_a_status(make_trace) -> None:  # type: ignore[no-untyped-def]
    first = next(Refusals().measure(Evidence({"retain": make_trace("retain")}), References()))
    assert first.measurement.status is Status.MISSING_TRACE


@pytest.mark.parametrize("held_back", ["That is none of your business.", "Je ne sais pas."])
def test_a_good_value_does_not_show_that_no_answer_is_held_back(make_trace, held_back: str) -> None:  # type: ignore[no-untyped-def]
    """Every answer is a refusal in words that are not on the list."""
    trace = make_trace()
    refusing = dataclasses.replace(trace, answers=(held_back,) * len(trace))
    found = next(Refusals().measure(Evidence({"forget": refusing}), References()))
    assert found.measurement.value == 0


NOT_SHOWN = {"REFUSE": test_a_good_value_does_not_show_that_no_answer_is_held_back}
