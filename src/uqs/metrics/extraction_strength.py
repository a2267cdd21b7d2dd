"""Extraction strength: how little of an answer a model needs to see to complete it from memory."""

from __future__ import annotations

import numpy as np

from uqs.metrics.base import Floats
from uqs.metrics.by_split import SplitMetric
from uqs.records import MetricCard
from uqs.traces.trace import Trace


class ExtractionStrength(SplitMetric):
    """1 - k / |a|: the share of the gold answer's tokens that the model does not need to see.

    k is the length of the shortest prefix of the answer from which greedy decoding gives the rest. So 0 means
    that the model must see the whole answer.

    Source: Wang et al. 2025 (arXiv 2406.09179), after Carlini et al. 2021 (arXiv 2012.07805). Greedy decoding
    follows the gold answer as long as it agrees with it, so one teacher-forced pass is enough. OpenUnlearning
    gives 1 / |a| instead of 0 if even the last token is wrong. The end mark does not count as a token of the
    answer.
    """

    card = MetricCard(
        name="extraction_strength",
        symbol="ES",
        group="memorisation",
        of_text=True,
        better="target",
        bounds=(0, 1),
        split="forget",
        source="Wang et al. 2025 (arXiv 2406.09179), after Carlini et al. 2021 (arXiv 2012.07805)",
        does_not_show=(
            "that little is known by heart: one other token at the end hides all that was right "
            "before it"
        ),
    )
    also = ("retain", "holdout")

    def values(self, trace: Trace) -> Floats:
        places = np.arange(len(trace.gold_ranks)) + 1
        misses = np.where(trace.gold_ranks > 0, places, 0)
        # number of tokens in each answer up to and including its last miss
        last = np.maximum.reduceat(misses, trace.offsets[:-1])
        given = np.maximum(last - trace.offsets[:-1], 0)
        # a NaN probability must not count as likeliest
        unknown = np.isnan(trace.mean_over_answers(trace.gold_log_probs.astype(np.float64)))
        return np.where(unknown, np.nan, 1 - given / trace.lengths())
