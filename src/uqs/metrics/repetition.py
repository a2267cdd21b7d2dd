"""Repetition within greedy answers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from uqs.answers import words
from uqs.metrics.base import Floats
from uqs.metrics.by_split import Mask, SplitMetric
from uqs.records import MetricCard
from uqs.traces.trace import Trace


class Repetition(SplitMetric):
    """1 - distinct pairs / all pairs of neighbouring words in an answer; mean over answers.

    Source: seq-rep-n of Welleck et al. 2020 (arXiv 1908.04319), with n = 2 words instead of 4 tokens, because
    answers are short. Answers of fewer than two words have no pair and are left out.
    """

    card = MetricCard(
        name="repetition",
        symbol="REP",
        group="health",
        of_text=True,
        better="lower",
        bounds=(0, 1),
        split="retain",
        source="seq-rep-n of Welleck et al. 2020 (arXiv 1908.04319), with two words",
        does_not_show=(
            "that answers fit their questions: one sentence given to all of them repeats "
            "nothing within itself"
        ),
    )
    also = ("forget",)

    def values(self, trace: Trace) -> Floats:
        return np.array([repeated(answer) for answer in trace.answers])

    def kept(self, trace: Trace) -> Mask:
        return ~np.isnan(self.values(trace))


def repeated(answer: str) -> float:
    """Share of an answer's word pairs that repeat an earlier pair; NaN if it has no pair."""
    pairs = list(pairwise(words(answer)))
    return 1 - len(set(pairs)) / len(pairs) if pairs else float("nan")
