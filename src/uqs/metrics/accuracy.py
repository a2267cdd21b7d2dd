"""Forget and retain accuracy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from uqs.answers import is_right
from uqs.metrics.base import Floats, Measured
from uqs.metrics.by_split import SplitMetric, parts
from uqs.metrics.cards import FA, RA
from uqs.traces.trace import Trace


def right_answers(trace: Trace) -> Floats:
    """1 where the greedy answer is right, else 0: (n,)."""
    judged = zip(trace.tasks, trace.answers, trace.golds, strict=True)
    return np.array([is_right(*one) for one in judged], dtype=np.float64)


class _Accuracy(SplitMetric):
    """Share of right greedy answers, also by task and with and without a picture (`forget/cloze`,
    `forget/text_only`)."""

    def values(self, trace: Trace) -> Floats:
        return right_answers(trace)

    def rows(self, split: str, trace: Trace) -> Iterator[Measured]:
        right = self.values(trace)
        yield self.mean(split, trace, right)
        for part, kept in parts(trace):
            yield self.mean(f"{split}/{part}", trace, right, kept=kept)


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
