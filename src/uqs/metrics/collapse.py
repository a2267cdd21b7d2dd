"""Whether a model no longer works at all. The other numbers of such a model mean nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from uqs.answers import plain, says_something, words
from uqs.traces.judged import right_answers
from uqs.traces.trace import Trace

NEARLY_ALL = 0.9
"""The share of retain answers above which a pattern belongs to the model, not to single answers."""
SELDOM_RIGHT = 1 / 3
"""One answer to all questions that is correct more often is real: `yes`, or a letter of two options."""
FEWEST = 10
"""With fewer retain questions, equal answers do not count as a pattern."""
REPEATS = 3
"""Repeats in a row that make a loop of words: `Duran Duran` and `New York, New York` are names."""
REPEATS_IN_A_WORD = 4
"""The same for letters within one word, for scripts without spaces."""


def collapsed(traces: Mapping[str, Trace]) -> bool:
    """Whether a model no longer works.

    It gave a gold token no probability, or a wrong answer a likelihood that is not a number; or on retain it

    - answers no question with any text, or
    - gives wrong answers that loop (`US US US US`) or are empty to NEARLY_ALL of the questions that are not
      multiple choice (of all questions if all are multiple choice), or
    - gives the same answer to NEARLY_ALL of at least FEWEST questions, and is correct on fewer than
      SELDOM_RIGHT of them.

    A model with correct answers never counts as collapsed, for example if `yes` is correct or its answers are
    short. Neither does a model that says nonsense in ever new words.
    """
    if not all(map(_judged, traces.values())):
        return True
    retain = traces.get("retain")
    if retain is None:
        return False
    return silent(retain) or looping(retain) >= NEARLY_ALL or monotone(retain)


def silent(trace: Trace) -> bool:
    """Whether all answers are empty."""
    return not any(map(says_something, trace.answers))


def looping(trace: Trace) -> float:
    """Share of questions with a wrong answer that loops or is empty; multiple choice is left out."""
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
    """Whether nearly all answers are the same, and this answer is seldom correct."""
    if len(trace) < FEWEST:
        return False
    same = Counter(map(plain, trace.answers)).most_common(1)[0][1]
    return same >= NEARLY_ALL * len(trace) and float(right_answers(trace).mean()) < SELDOM_RIGHT


def loops(answer: str) -> bool:
    """Whether at least half of an answer repeats the same word or words, REPEATS times in a row."""
    said = words(answer)
    if len(said) == 1:
        return longest_loop(said[0], REPEATS_IN_A_WORD) * 2 >= len(said[0])
    return bool(said) and longest_loop(said, REPEATS) * 2 >= len(said)


def longest_loop(items: Sequence[str], repeats: int) -> int:
    """Length of the longest periodic stretch with at least `repeats` periods; 0 without one."""
    longest = 0
    for period in range(1, len(items) // repeats + 1):
        run = 0
        for i in range(period, len(items)):
            run = run + 1 if items[i] == items[i - period] else 0
            if run + period >= repeats * period:
                longest = max(longest, run + period)
    return longest


def _judged(trace: Trace) -> bool:
    """A wrong answer may be impossible (an infinite loss), but its loss must be a number."""
    return trace.finite and not bool(np.isnan(trace.candidate_losses).any())
