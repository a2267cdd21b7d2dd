"""The base class of metrics. A metric is a pure function of recorded data: no model, no torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqs.metrics.clustered import clustered_mean
from uqs.records import Measurement, MetricCard, Status
from uqs.traces.trace import Trace

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CrossScores:
    """Greedy answers of a model and an oracle to the same forget questions, scored by both models as if they
    were gold answers. `own` holds the model's answers, `oracles` the oracle's. Both hold the same questions
    in the same order: those that both models answer with some text.
    """

    own_by_model: Trace
    own_by_oracle: Trace
    oracles_by_model: Trace
    oracles_by_oracle: Trace


@dataclass(frozen=True)
class Evidence:
    """What is recorded about one model.

    `traces`: by split. `update`: what the model adds to each weight matrix of the base, (out, in) by layer;
    None if its weights are unknown. `interventions`: traces of models made from this one, by intervention
    (`int8`, `relearn_10`) and split. `cross_scores`: by the oracle's seed; None if no question is answered by
    both models.
    """

    traces: Mapping[str, Trace]
    update: Mapping[str, Floats] | None = None
    interventions: Mapping[str, Mapping[str, Trace]] = field(default_factory=dict)
    cross_scores: Mapping[int, CrossScores | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Shadow:
    """A model trained on `members`, a random half of the entities of forget and holdout.

    `unlearned`: whether the method under test unlearned the members afterwards.
    """

    members: frozenset[str]
    unlearned: bool
    traces: Mapping[str, Trace]


@dataclass(frozen=True)
class References:
    """The models to compare with: oracles by seed, the original, shadow models."""

    oracles: Mapping[int, Evidence] = field(default_factory=dict)
    original: Evidence | None = None
    shadows: Sequence[Shadow] = ()


class PerSample(NamedTuple):
    """A metric's value for each sample, (n,)."""

    ids: tuple[str, ...]
    entities: tuple[str, ...]
    values: Floats


@dataclass(frozen=True)
class MetricResult:
    """A measurement; the oracle's seed, if the metric needs an oracle; the per-sample values, if the
    measurement is their mean; and the rules by which answers counted as right, if it counts right answers."""

    measurement: Measurement
    oracle_seed: int | None = None
    per_sample: PerSample | None = None
    judge: str | None = None


class Metric(ABC):
    """One metric per file; `card` declares direction, bounds, needs and source."""

    card: ClassVar[MetricCard]

    @abstractmethod
    def measure(self, model: Evidence, references: References) -> Iterator[MetricResult]:
        """All rows of this metric for one model."""

    def missing(
        self, status: Status, split: str | None = None, oracle_seed: int | None = None
    ) -> MetricResult:
        """A row without a value; its status says why."""
        place = split or self.card.split
        return MetricResult(
            Measurement(self.card.symbol, place, None, None, 0, status), oracle_seed
        )

    def mean(
        self,
        split: str,
        trace: Trace,
        values: Floats,
        *,
        oracle_seed: int | None = None,
        bounds: Floats | None = None,
        kept: NDArray[np.bool_] | None = None,
    ) -> MetricResult:
        """The mean over a trace's samples, or over those `kept`, clustered by entity.

        `bounds` (n,): how far each value may be from the exact one. `too_few` if no sample is kept,
        `collapsed` if a kept value is not finite.
        """
        chosen = np.arange(len(trace)) if kept is None else np.flatnonzero(kept)
        if len(chosen) == 0:
            return self.missing(Status.TOO_FEW, split, oracle_seed)
        if not np.isfinite(values[chosen]).all():
            return self.missing(Status.COLLAPSED, split, oracle_seed)
        ids = tuple(trace.ids[i] for i in chosen)
        entities = tuple(trace.entities[i] for i in chosen)
        found = clustered_mean(values[chosen], entities)
        bound = None if bounds is None or not bounds.any() else float(np.mean(bounds[chosen]))
        return MetricResult(
            Measurement(self.card.symbol, split, found.value, found.se, found.n, bound=bound),
            oracle_seed,
            PerSample(ids, entities, values[chosen]),
        )


class OracleMetric(Metric):
    """A metric measured against each oracle in turn. Without an oracle the status is `missing_oracle`."""

    def measure(self, model: Evidence, references: References) -> Iterator[MetricResult]:
        if not references.oracles:
            yield self.missing(Status.MISSING_ORACLE)
        for seed, oracle in sorted(references.oracles.items()):
            yield from self.against(model, oracle, seed)

    @abstractmethod
    def against(self, model: Evidence, oracle: Evidence, seed: int) -> Iterator[MetricResult]:
        """The rows against one oracle."""


def same_samples(model: Trace, oracle: Trace) -> None:
    """Raise ValueError unless two traces hold the same samples with the same right answers."""
    if model.ids != oracle.ids or model.golds != oracle.golds:
        raise ValueError(f"traces of split {model.split!r} have different samples")


def same_tokens(model: Trace, oracle: Trace) -> None:
    """Raise ValueError unless two traces hold the same samples with the same gold tokens.

    The gold tokens differ if the models have different tokenizers."""
    same_samples(model, oracle)
    if not (
        np.array_equal(model.gold_ids, oracle.gold_ids)
        and np.array_equal(model.offsets, oracle.offsets)
    ):
        raise ValueError(f"traces of split {model.split!r} have different samples or tokens")
