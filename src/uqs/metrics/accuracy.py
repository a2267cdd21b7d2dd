"""Forget and retain accuracy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from uqs.metrics.answers import is_right
from uqs.metrics.base import Evidence, Floats, Measured, Metric, References
from uqs.metrics.cards import FA, RA
from uqs.traces.trace import Trace


def right_answers(trace: Trace) -> Floats:
    """1 where the greedy answer is right, else 0: (n,)."""
    judged = zip(trace.tasks, trace.answers, trace.golds, strict=True)
    return np.array([is_right(*one) for one in judged], dtype=np.float64)


class _Accuracy(Metric):
    """Share of right greedy answers on the headline split and on the splits of `also`."""

    also: ClassVar[tuple[str, ...]]

    def measure(self, model: Evidence, references: References) -> Iterator[Measured]:
        for split in (self.card.split, *self.also):
            if split in model.traces:
                trace = model.traces[split]
                yield self.mean(split, trace, right_answers(trace))


class ForgetAccuracy(_Accuracy):
    """Share of forget questions still answered right; also reworded, on other pictures, and on holdout.

    The value on holdout, which no model was trained on, is the rate of right guesses.
    """

    card = FA
    also = ("forget_reworded", "forget_views", "holdout")


class RetainAccuracy(_Accuracy):
    """Share of retain questions still answered right; also of neighbours and of what the base knew."""

    card = RA
    also = ("neighbour", "real_world")
