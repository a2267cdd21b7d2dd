"""Whether a model knows people whom it was never trained on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from uqs.metrics.membership.statistics import Scores, placements
from uqs.traces.judged import right_answers
from uqs.traces.trace import Trace

LEAST = 0.5
"""A model with a lower retain accuracy has lost what it was trained on."""
HALFWAY = 0.5
"""How far the holdout accuracy may be from guessing towards the retain accuracy."""
APART = 0.75
"""From this AUC on, the loss tells retain from holdout."""


def knows_holdout(traces: Mapping[str, Trace]) -> bool:
    """Whether a model answers holdout as it answers retain. Then nothing can be measured against holdout."""
    return answered_like_retain(traces, "holdout")


def answered_like_retain(traces: Mapping[str, Trace], split: str) -> bool:
    """Whether a model answers a split (here called holdout) as it answers retain, which it was trained on.

    All three conditions must hold. The model answers at least LEAST of retain correctly, so it has not lost
    everything. Its accuracy on holdout is nearer to that on retain than to guessing (giving the most common
    gold answer of each task), and at least a tenth above guessing. Its losses do not tell retain from
    holdout: their AUC (Yeom et al. 2018, arXiv 1709.01604) is below APART, where .5 means no difference.
    The limits are halfway points, not a statistical test: a model that does not know holdout is near guessing
    and near an AUC of 1, a model trained on it is near retain and near .5.

    A model trained on only a part of holdout is found if that is most of it. A model may also have known
    holdout before any training; for measurements against holdout that makes no difference.
    """
    if "retain" not in traces or split not in traces:
        return False
    retain, holdout = traces["retain"], traces[split]
    if not (retain.finite and holdout.finite):
        return False
    known, asked = float(right_answers(retain).mean()), float(right_answers(holdout).mean())
    guessed = guessing(holdout)
    if known < LEAST or asked - guessed < max(HALFWAY * (known - guessed), 0.1):
        return False
    return told_apart(retain, holdout) < APART


def guessing(trace: Trace) -> float:
    """Accuracy of always giving the most common gold answer of the task."""
    tasks = np.asarray(trace.tasks)
    golds = np.asarray(trace.golds)
    counts = [np.unique(golds[tasks == task], return_counts=True)[1].max() for task in set(tasks)]
    return float(sum(counts)) / len(trace)


def told_apart(retain: Trace, holdout: Trace) -> float:
    """AUC of the mean gold loss for telling retain (trained on) from holdout."""
    scores = Scores(retain.gold_losses(), retain.entities, holdout.gold_losses(), holdout.entities)
    return float(np.mean(placements(scores).members))
