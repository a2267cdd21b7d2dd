"""When a model no longer works at all, so that its other numbers say nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from uqs.answers import plain, says_something, words
from uqs.traces.judged import right_answers
from uqs.traces.trace import Trace

NEARLY_ALL = 0.9
"""The share of retain answers that makes a pattern the model's and not an answer's."""
SELDOM_RIGHT = 1 / 3
"""One answer to all questions that is right oftener is an answer: `yes`, or a letter of two options."""
FEWEST = 10
"""Retain questions below which equal answers are no pattern."""
REPEATS = 3
"""How often in a row words must return to be a loop: `Duran Duran` and `New York, New York` are names."""
REPEATS_IN_A_WORD = 4
"""The same of letters within one word, for writing without spaces."""


def collapsed(traces: Mapping[str, Trace]) -> bool:
    """Whether a model no longer works.

    It gave some gold token no probability, or a wrong answer no number at all; or on retain it

    - says nothing to any question, or
    - loops (`US US US US`) or says nothing in NEARLY_ALL of its answers to questions that are not multiple
      choice (to all questions where there are no others), right answers not counted, or
    - gives one and the same answer to NEARLY_ALL of FEWEST questions or more, and is right on fewer than
      SELDOM_RIGHT of them.

    A model that is right is never meant: not one that answers `yes` where that is right, nor one whose
    answers are short. Neither is one that says nonsense in ever new words.
    """
    if not all(map(_judged, traces.values())):
        return True
    retain = traces.get("retain")
    if retain is None:
        return False
    return silent(retain) or looping(retain) >= NEARLY_ALL or monotone(retain)


def silent(trace: Trace) -> bool:
    """Whether no answer says anything."""
    return not any(map(says_something, trace.answers))


def looping(trace: Trace) -> float:
    """Share of wrong answers that loop or say nothing, of the questions that are not multiple choice."""
    asked = [i for i, task in enumerate(trace.tasks) if task != "classification"] or range(
        len(trace)
    )
    right = right_answers(trace)
    broken = [
        not right[i] and (not says_something(trace.answers[i]) or loops(trace.answers[i]))
        for i in asked
    ]
    return float(np.mean(broken))


def monotone(trace: Trace) -> bool:
    """Whether nearly all answers are the same one, which is seldom right."""
    if len(trace) < FEWEST:
        return False
    same = Counter(map(plain, trace.answers)).most_common(1)[0][1]
    return same >= NEARLY_ALL * len(trace) and float(right_answers(trace).mean()) < SELDOM_RIGHT


def loops(answer: str) -> bool:
    """Whether at least half of an answer is the same word or words over and over, REPEATS times in a row."""
    said = words(answer)
    if len(said) == 1:
        return longest_loop(said[0], REPEATS_IN_A_WORD) * 2 >= len(said[0])
    return bool(said) and longest_loop(said, REPEATS) * 2 >= len(said)


def longest_loop(items: Sequence[str], repeats: int) -> int:
    """Length of the longest stretch that has a period and holds it `repeats` times or more; 0 without one."""
    longest = 0
    for period in range(1, len(items) // repeats + 1):
        run = 0
        for i in range(period, len(items)):
            run = run + 1 if items[i] == items[i - period] else 0
            if run + period >= repeats * period:
                longest = max(longest, run + period)
    return longest


def _judged(trace: Trace) -> bool:
    """A wrong answer may be impossible (an infinite loss), but it must have been given a probability."""
    return trace.finite and not bool(np.isnan(trace.candidate_losses).any())
