"""What a metric is: a pure function of what was recorded of models; it needs no model and no torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from uqs.records import Measurement, MetricCard, Status
from uqs.traces.trace import Trace

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """What is recorded of one model: its traces by split, and its weight updates (out, in) by layer."""

    traces: Mapping[str, Trace]
    update: Mapping[str, Floats]


@dataclass(frozen=True)
class Measured:
    """A measurement and the seed of the oracle it was taken against, if it needs one."""

    measurement: Measurement
    oracle_seed: int | None = None


class Metric(ABC):
    """One file each; `card` declares direction, bounds, needs and source."""

    card: ClassVar[MetricCard]

    @abstractmethod
    def measure(self, model: Evidence, oracles: Mapping[int, Evidence]) -> Iterator[Measured]:
        """All rows of this metric for one model; `oracles` by their seeds."""


class OracleMetric(Metric):
    """A metric against each oracle in turn; without one its status is `missing_oracle`."""

    def measure(self, model: Evidence, oracles: Mapping[int, Evidence]) -> Iterator[Measured]:
        card = self.card
        if not oracles:
            yield Measured(
                Measurement(card.symbol, card.split, None, None, 0, Status.MISSING_ORACLE)
            )
        for seed, oracle in sorted(oracles.items()):
            yield Measured(self.against(model, oracle), seed)

    @abstractmethod
    def against(self, model: Evidence, oracle: Evidence) -> Measurement:
        """The measurement against one oracle."""


def same_samples(model: Trace, oracle: Trace) -> None:
    """Raise ValueError unless two traces hold the same samples with the same gold tokens."""
    if model.ids != oracle.ids or not np.array_equal(model.gold_ids, oracle.gold_ids):
        raise ValueError(f"traces of split {model.split!r} are of different samples")
