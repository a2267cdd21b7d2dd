"""Multiple-choice answers from which no choice can be read."""

from __future__ import annotations

from math import sqrt

import numpy as np

from uqs.judging.rules import STRICT, Judged, chosen
from uqs.metrics.base import Floats
from uqs.metrics.by_split import Mask, SplitMetric
from uqs.metrics.clustered import clustered_mean
from uqs.records import MetricCard
from uqs.traces.trace import Trace

LARGE = 0.05
"""A larger difference in the share of unread answers is always reported."""
ERRORS = 3.0
"""A smaller difference is reported beyond this many standard errors: one in 370 by chance."""


class UnreadChoices(SplitMetric):
    """Share of multiple-choice answers from which no choice can be read; also on forget and holdout.

    Such an answer counts as wrong, so a model that only writes differently seems to forget. `uqs.choice` has
    the reading rule of letters; where a benchmark's judge is `choice`, the text of an option is read too
    (`uqs.judging.options`). A letter that the question does not offer is not a choice; this check needs the
    traced wrong options.
    """

    card = MetricCard(
        name="unread_choices",
        symbol="UNREAD",
        group="health",
        of_text=True,
        better="lower",
        bounds=(0, 1),
        split="retain",
        needs=frozenset(),
        source="share of multiple-choice answers without a readable letter (uqs.choice)",
        does_not_show=(
            "that choices are made with knowledge: the same letter given to every question is read every time"
        ),
    )
    also = ("forget", "holdout")

    def values(self, trace: Trace) -> Floats:
        return unread(trace)

    def kept(self, trace: Trace) -> Mask:
        return choices(trace)


def choices(trace: Trace) -> Mask:
    """Which questions are multiple choice, (n,)."""
    return np.array([task == "classification" for task in trace.tasks], dtype=bool)


def unread(trace: Trace) -> Floats:
    """1 where no choice can be read from the greedy answer, else 0: (n,)."""
    rule = trace.judges.get("classification", STRICT)
    asked = zip(
        trace.tasks, trace.answers, trace.golds, trace.candidates, trace.options, strict=True
    )
    return np.array([chosen(rule, Judged(*one)) is None for one in asked], dtype=np.float64)


def paired_difference(model: Trace, original: Trace) -> tuple[float, float | None] | None:
    """The model's share of unread answers minus the original's, with its standard error.

    Paired on the same questions, clustered by entity; None if there is no multiple-choice question. Raises
    ValueError if the traces have different questions.
    """
    if model.ids != original.ids:
        raise ValueError(f"traces of split {model.split!r} have different samples")
    asked = np.flatnonzero(choices(model))
    if len(asked) == 0:
        return None
    differences = (unread(model) - unread(original))[asked]
    found = clustered_mean(differences, [model.entities[i] for i in asked])
    return found.value, found.se


def unpaired_difference(
    value: float, se: float | None, original: float, original_se: float | None
) -> tuple[float, float | None]:
    """The same from two shares only; the standard error treats them as independent."""
    joint = None if se is None or original_se is None else sqrt(se**2 + original_se**2)
    return value - original, joint


def differs(difference: float, se: float | None) -> bool:
    """Whether a difference is at least LARGE or beyond ERRORS standard errors."""
    size = abs(difference)
    return size >= LARGE or (se is not None and size > max(ERRORS * se, 0.0))
