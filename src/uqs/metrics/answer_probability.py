"""Probability of the gold answer."""

from __future__ import annotations

import numpy as np

from uqs.metrics.base import Floats
from uqs.metrics.by_split import SplitMetric
from uqs.records import MetricCard
from uqs.traces.trace import Trace


class AnswerProbability(SplitMetric):
    """P(answer | question)^(1 / tokens), the geometric mean of the token probabilities; mean over samples.

    Source: TOFU (Maini et al. 2024, arXiv 2401.06121). The end mark does not count as a token of the answer.
    `collapsed` if a token has no probability.
    """

    card = MetricCard(
        name="answer_probability",
        symbol="PROB",
        group="memorisation",
        better="target",
        bounds=(0, 1),
        split="forget",
        source="TOFU: Maini et al. 2024 (arXiv 2401.06121)",
        does_not_show=(
            "that the answer cannot be drawn out: a small probability may still be the largest "
            "of all"
        ),
    )
    also = ("retain", "holdout")

    def values(self, trace: Trace) -> Floats:
        losses = trace.gold_losses()
        return np.where(np.isfinite(losses), np.exp(-losses), np.nan)
