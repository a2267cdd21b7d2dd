"""Kullback-Leibler divergence between a model and the oracle, in both directions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from math import inf

import numpy as np

from uqs.metrics.base import Evidence, Floats, MetricResult
from uqs.metrics.distributions import blocks
from uqs.metrics.pairs import Pair, PairMetric, pair
from uqs.records import MetricCard, Need, Status
from uqs.traces.trace import Trace


class _Divergence(PairMetric):
    """Divergence over the gold answer positions of the forget set, in nats; mean per question, then overall.

    If only the likeliest tokens were kept, the value is the smallest divergence that they allow, and the
    status is `lower_bound`: they give no finite upper bound. `collapsed` if it is infinite, because one model
    excludes (probability 0) what the other finds possible.
    Source: Kullback and Leibler 1951 (Ann. Math. Stat. 22).
    """

    def against(self, model: Evidence, oracle: Evidence, seed: int) -> Iterator[MetricResult]:
        split = self.card.split
        traces = pair(model, oracle, split)
        if traces is None:
            yield self.missing(Status.MISSING_TRACE, oracle_seed=seed)
            return
        values = traces.model.mean_over_answers(at_positions(*self.ordered(traces)))
        row = self.row(split, traces.model, values, seed)
        exact = traces.model.complete and traces.oracle.complete
        yield row if exact or row.measurement.value is None else _at_least(row)

    @abstractmethod
    def ordered(self, traces: Pair) -> tuple[Trace, Trace]:
        """The model over which the expectation is taken, then the other."""


def _at_least(row: MetricResult) -> MetricResult:
    return replace(row, measurement=replace(row.measurement, status=Status.LOWER_BOUND))


class KLToOracle(_Divergence):
    """KL(model || oracle): large if the model says what the oracle would not say."""

    card = MetricCard(
        name="kl_to_oracle",
        symbol="KL_MO",
        group="distance",
        better="lower",
        bounds=(0, inf),
        split="forget",
        needs=frozenset({Need.ORACLE}),
        source="Kullback and Leibler 1951 (Ann. Math. Stat. 22)",
        does_not_show=(
            "that what the oracle says now and then is still said: leaving out a tenth costs a "
            "tenth of a nat"
        ),
    )

    def ordered(self, traces: Pair) -> tuple[Trace, Trace]:
        return traces.model, traces.oracle


class KLFromOracle(_Divergence):
    """KL(oracle || model): large if the model does not say what the oracle would say."""

    card = MetricCard(
        name="kl_from_oracle",
        symbol="KL_OM",
        group="distance",
        better="lower",
        bounds=(0, inf),
        split="forget",
        needs=frozenset({Need.ORACLE}),
        source="Kullback and Leibler 1951 (Ann. Math. Stat. 22)",
        does_not_show=(
            "that nothing is said beyond the oracle: a secret with a tenth of the probability "
            "costs a tenth of a nat"
        ),
    )

    def ordered(self, traces: Pair) -> tuple[Trace, Trace]:
        return traces.oracle, traces.model


def at_positions(first: Trace, second: Trace) -> Floats:
    """KL(first || second) in nats at every answer position, (positions,): exact, or a lower bound."""
    return np.concatenate([kl(*tokens.closest()) for tokens in blocks(first, second)])


def kl(first: Floats, second: Floats) -> Floats:
    """KL(first || second) of rows of log-probabilities (nats), (rows, tokens) -> (rows,); may be infinite."""
    possible = ~np.isneginf(first)
    logs = np.where(possible, first, 0) - np.where(possible, second, 0)
    with np.errstate(invalid="ignore"):
        total = np.where(possible, np.exp(first) * logs, 0).sum(axis=1)
    return np.asarray(np.maximum(total, 0), dtype=np.float64)
