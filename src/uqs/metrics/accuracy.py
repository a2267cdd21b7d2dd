"""Forget and retain accuracy."""

from __future__ import annotations

from collections.abc import Iterator

from uqs.metrics.base import Floats, MetricResult
from uqs.metrics.by_split import SplitMetric, parts
from uqs.records import MetricCard
from uqs.traces.judged import right_answers
from uqs.traces.trace import Trace


class _Accuracy(SplitMetric):
    """Share of correct greedy answers, also per task and with or without a picture (`forget/cloze`,
    `forget/text_only`)."""

    def values(self, trace: Trace) -> Floats:
        return right_answers(trace)

    def rows(self, split: str, trace: Trace) -> Iterator[MetricResult]:
        right = self.values(trace)
        yield self.mean(split, trace, right)
        for part, kept in parts(trace):
            yield self.mean(f"{split}/{part}", trace, right, kept=kept)


class ForgetAccuracy(_Accuracy):
    """Share of forget questions still answered correctly; also reworded, on other pictures, and on holdout.

    No model was trained on holdout, so the value there is the rate of correct guesses.
    """

    card = MetricCard(
        name="forget_accuracy",
        symbol="FA",
        group="accuracy",
        better="lower",
        bounds=(0, 1),
        split="forget",
        source="Khan, Laga, Sohel 2026 (arXiv 2605.02206)",
        does_not_show=(
            "that the knowledge is gone: it may come back to another question, or after a few "
            "steps of training"
        ),
    )
    also = ("forget_reworded", "forget_views", "holdout")


class RetainAccuracy(_Accuracy):
    """Share of retain questions still answered correctly; also for neighbours and for what the base knew."""

    card = MetricCard(
        name="retain_accuracy",
        symbol="RA",
        group="accuracy",
        better="higher",
        bounds=(0, 1),
        split="retain",
        source="Khan, Laga, Sohel 2026 (arXiv 2605.02206)",
        does_not_show="that nothing else was harmed: only the retain questions were asked",
    )
    also = ("neighbour", "real_world")
