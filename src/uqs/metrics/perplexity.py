"""Perplexity."""

from __future__ import annotations

import math
from collections.abc import Iterator
from math import inf

import numpy as np

from uqs.metrics.base import Evidence, Metric, MetricResult, References
from uqs.metrics.clustered import clustered_mean
from uqs.records import Measurement, MetricCard, Need, Status
from uqs.traces.trace import Trace


class Perplexity(Metric):
    """exp of the mean loss over all tokens of the fluent passages; also for the retain answers.

    The standard error is that of the mean loss, clustered by entity, times the perplexity (delta method); `n`
    counts samples. The status is `collapsed` if a token has no probability or the exponential overflows.
    Tokens are the model's own, so compare values only between models with the same tokenizer.
    """

    card = MetricCard(
        name="perplexity",
        symbol="PPL",
        group="health",
        of_text=True,
        better="lower",
        bounds=(1, inf),
        split="fluent",
        needs=frozenset({Need.FLUENT}),
        source="exp of the mean loss per token; Jelinek et al. 1977 (J. Acoust. Soc. Am. 62)",
        does_not_show=(
            "that questions are still answered: fluent text on other subjects asks for nothing "
            "that was taught"
        ),
    )
    also = ("retain",)

    def measure(self, model: Evidence, references: References) -> Iterator[MetricResult]:
        if self.card.split not in model.traces:
            yield self.missing(Status.MISSING_TRACE)
        for split in (self.card.split, *self.also):
            if split in model.traces:
                yield self.row(split, model.traces[split])

    def row(self, split: str, trace: Trace) -> MetricResult:
        if not trace.finite:
            return self.missing(Status.COLLAPSED, split)
        losses = -trace.gold_log_probs.astype(np.float64)
        loss = clustered_mean(losses, np.repeat(trace.entities, trace.lengths()).tolist())
        try:
            value = math.exp(loss.value)
        except OverflowError:
            return self.missing(Status.COLLAPSED, split)
        se = None if loss.se is None else value * loss.se
        if se is not None and not math.isfinite(se):
            return self.missing(Status.COLLAPSED, split)
        return MetricResult(Measurement(self.card.symbol, split, value, se, len(trace)))
