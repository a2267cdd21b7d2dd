"""Forget and retain accuracy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from uqs.judging.rules import STRICT, named
from uqs.metrics.base import Floats, MetricResult
from uqs.metrics.by_split import SplitMetric, parts
from uqs.records import MetricCard
from uqs.traces.judged import judge, judged_by, scores
from uqs.traces.trace import Trace


class _Accuracy(SplitMetric):
    """Mean score of the greedy answers, also per task and with or without a picture (`forget/cloze`,
    `forget/text_only`): the share of correct ones, unless the benchmark's judge gives degrees (`rouge`).

    Where the benchmark declares other judges than `strict`, the strict share stands beside each row
    (`forget/strict`, `forget/cloze/strict`).
    """

    def values(self, trace: Trace) -> Floats:
        return scores(trace)

    def rows(self, split: str, trace: Trace) -> Iterator[MetricResult]:
        yield from self._judged(split, "", trace)
        if judge(trace) != STRICT:
            yield from self._judged(split, f"/{STRICT}", judged_by(trace, {}))

    def _judged(self, split: str, suffix: str, trace: Trace) -> Iterator[MetricResult]:
        right = self.values(trace)
        everything = np.ones(len(trace), dtype=bool)
        for place, kept in (
            (split, everything),
            *((f"{split}/{part}", those) for part, those in parts(trace)),
        ):
            tasks = [trace.tasks[i] for i in np.flatnonzero(kept)]
            found = self.mean(place + suffix, trace, right, kept=kept)
            yield replace(found, judge=named(trace.judges, tasks))


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
