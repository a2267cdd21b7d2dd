"""Probability of the gold answer."""

from __future__ import annotations

import numpy as np

from uqs.metrics.base import Floats
from uqs.metrics.by_split import SplitMetric
from uqs.metrics.cards.memorisation import PROB
from uqs.traces.trace import Trace


class AnswerProbability(SplitMetric):
    """P(answer | question)^(1 / tokens): the geometric mean of its tokens' probabilities, then over samples.

    Source: TOFU (Maini et al. 2024, arXiv 2401.06121). The end mark is no token of the answer.
    `collapsed` where a token was given no probability.
    """

    card = PROB
    also = ("retain", "holdout")

    def values(self, trace: Trace) -> Floats:
        losses = trace.gold_losses()
        return np.where(np.isfinite(losses), np.exp(-losses), np.nan)
