"""Exact memorisation."""

from __future__ import annotations

import numpy as np

from uqs.metrics.base import Floats
from uqs.metrics.by_split import SplitMetric
from uqs.records import MetricCard
from uqs.traces.trace import Trace


class ExactMemorisation(SplitMetric):
    """Share of a gold answer's positions at which the gold token is the likeliest; mean over samples.

    The model is given the gold tokens before each position; a tie counts as likeliest.
    Source: Tirumala et al. 2022 (arXiv 2205.10770).
    """

    card = MetricCard(
        name="exact_memorisation",
        symbol="EM",
        group="memorisation",
        of_text=True,
        better="target",
        bounds=(0, 1),
        split="forget",
        source="Tirumala et al. 2022 (arXiv 2205.10770)",
        does_not_show=(
            "that the answer is out of reach: gold tokens that are all in second place count as "
            "nothing"
        ),
    )
    also = ("retain", "holdout")

    def values(self, trace: Trace) -> Floats:
        likeliest = (trace.gold_ranks == 0).astype(np.float64)
        # a NaN probability must not count as likeliest
        return trace.mean_over_answers(np.where(np.isnan(trace.gold_log_probs), np.nan, likeliest))
