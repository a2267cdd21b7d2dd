"""Empty answers."""

from __future__ import annotations

import numpy as np

from uqs.answers import says_something
from uqs.metrics.base import Floats
from uqs.metrics.by_split import SplitMetric
from uqs.records import MetricCard
from uqs.traces.trace import Trace


class EmptyAnswers(SplitMetric):
    """Share of greedy answers without a letter or digit; also on forget and holdout."""

    card = MetricCard(
        name="empty_answers",
        symbol="EMPTY",
        group="health",
        of_text=True,
        better="lower",
        bounds=(0, 1),
        split="retain",
        source="share of answers without a letter or digit",
        does_not_show="that answers make sense: any word at all counts as an answer",
    )
    also = ("forget", "holdout")

    def values(self, trace: Trace) -> Floats:
        return np.array([not says_something(answer) for answer in trace.answers], dtype=np.float64)
