"""Whether a model knows the people that it was never trained on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from uqs.metrics.membership.statistics import Scores, placements
from uqs.traces.judged import right_answers
from uqs.traces.trace import Trace

LEAST = 0.5
"""Retain accuracy below which a model says nothing of what it was trained on."""
HALFWAY = 0.5
"""How far from guessing to retain accuracy that on holdout may lie."""
APART = 0.75
"""The AUC of telling retain from holdout by the loss from which they are told apart."""


def knows_holdout(traces: Mapping[str, Trace]) -> bool:
    """Whether a model answers holdout as it answers retain, so that nothing can be measured against holdout.

    All three must hold. It answers LEAST of retain right, so a model that lost everything is not meant. Its
    accuracy on holdout is nearer to that on retain than to guessing, that is, to what the most common
    gold answer of each task would give, and above it by a tenth or more. And its losses do not tell retain
    from holdout: their AUC (Yeom et al. 2018, arXiv 1709.01604) is below APART, where .5 is alike. Halves of
    the way, and no test: a model that knows no holdout lies near guessing and near an AUC of 1, one that was
    trained on it near retain and .5.

    A model that was trained on a part of holdout alone is found where that is most of it. It may also have
    known holdout before any training; for what is measured against holdout that is the same.
    """
    if "retain" not in traces or "holdout" not in traces:
        return False
    retain, holdout = traces["retain"], traces["holdout"]
    if not (retain.finite and holdout.finite):
        return False
    known, asked = float(right_answers(retain).mean()), float(right_answers(holdout).mean())
    guessed = guessing(holdout)
    if known < LEAST or asked - guessed < max(HALFWAY * (known - guessed), 0.1):
        return False
    return told_apart(retain, holdout) < APART


def guessing(trace: Trace) -> float:
    """Accuracy of giving every question of a task the task's most common gold answer."""
    tasks = np.asarray(trace.tasks)
    golds = np.asarray(trace.golds)
    counts = [np.unique(golds[tasks == task], return_counts=True)[1].max() for task in set(tasks)]
    return float(sum(counts)) / len(trace)


def told_apart(retain: Trace, holdout: Trace) -> float:
    """AUC of calling retain, and not holdout, trained on by the mean gold loss."""
    scores = Scores(retain.gold_losses(), retain.entities, holdout.gold_losses(), holdout.entities)
    return float(np.mean(placements(scores).members))
