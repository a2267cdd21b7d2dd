"""Choices by the likelihoods of the options' letters: nothing is read from an answer."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from uqs.judging.rules import offered
from uqs.metrics.base import Floats
from uqs.metrics.by_split import Mask, SplitMetric
from uqs.records import MetricCard, Need
from uqs.traces.trace import Trace


class ChoiceLikelihood(SplitMetric):
    """Share of multiple-choice questions whose right letter is the likeliest of all letters offered; also on
    retain and holdout.

    A letter's likelihood is that of its tokens as the whole answer. k equal ones share a question: 1 / k. The
    accuracies read what is said; where they are lower than this, answers may only be phrased in another way.
    `collapsed` if a right letter has no probability, or a wrong one's likelihood is NaN.
    """

    card = MetricCard(
        name="choice_likelihood",
        symbol="CHOICE",
        group="accuracy",
        of_text=True,
        better="target",
        bounds=(0, 1),
        split="forget",
        needs=frozenset({Need.CANDIDATES}),
        source="answers by the likelihood of the letters: Hendrycks et al. 2021 (MMLU, arXiv 2009.03300)",
        does_not_show=(
            "that the option is known: a letter that is likely whatever is asked is right for its share of "
            "the questions"
        ),
    )
    also = ("retain", "holdout")

    def values(self, trace: Trace) -> Floats:
        golds, losses = trace.gold_losses(), trace.candidate_losses.astype(np.float64)
        golds[~np.isfinite(golds)] = np.nan
        ends = np.cumsum([0, *map(len, trace.candidates)])
        return np.array(
            [
                _won(gold, losses[start:stop])
                for gold, (start, stop) in zip(golds, pairwise(ends), strict=True)
            ]
        )

    def kept(self, trace: Trace) -> Mask:
        asked = zip(trace.tasks, trace.golds, trace.candidates, strict=True)
        return np.array(
            [task == "classification" and bool(offered(gold, wrong)) for task, gold, wrong in asked]
        )


def _won(gold: float, wrong: Floats) -> float:
    if np.isnan(gold) or np.isnan(wrong).any():
        return float("nan")
    return 0.0 if (wrong < gold).any() else 1 / (1 + int(np.count_nonzero(wrong == gold)))
