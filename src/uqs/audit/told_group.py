"""The models of a benchmark under one metric: their values, or distances to the oracles, and the oracles'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqs.stats import told
from uqs.stats.spread import Spread

FloatArray = NDArray[np.float64]


class Model(NamedTuple):
    """`share` is None except for models that were trained on a known share of the forget set."""

    role: str
    method: str
    seed: int
    share: float | None


@dataclass(frozen=True)
class Group:
    """All models by one metric: `values` `(models, 1)` their own, or `(models, K)` distances to the oracles.

    NaN is unknown. `oracles` are the seeds of the K oracles in use, `between` `(K, K)` their distances to
    each other or `(K, 1)` their own values. A similarity to the oracles is turned into a distance: `shown` =
    `base` + `sign` x distance. `step` is the smallest difference that two values can have. `ladder` is the
    spread within the rungs of the other trained models, on the scale of the test.
    """

    benchmark: str
    metric: str
    split: str
    kind: str
    models: tuple[Model, ...]
    values: FloatArray
    oracles: tuple[int, ...]
    between: FloatArray
    log: bool
    step: float
    base: float = 0.0
    sign: float = 1.0
    ladder: Spread | None = None

    def has_value(self, at: int) -> bool:
        return bool(np.isfinite(self.values[at]).any())

    def oracles_of(self, at: int) -> list[int]:
        """The oracles that a model can be held against; none without a value."""
        if not self.has_value(at):
            return []
        if self.kind == "value":
            return list(self.oracles)
        return [
            seed for seed, one in zip(self.oracles, self.values[at], strict=True) if isfinite(one)
        ]

    def sample(self, at: Sequence[int], against: Sequence[int] | None = None) -> told.Sample | None:
        """Models against these oracles, by default all; None if there are too few."""
        seeds = self.oracles if against is None else against
        if len(seeds) < told.FEWEST:
            return None
        columns = [self.oracles.index(seed) for seed in seeds]
        if self.kind == "value":
            return told.of_values(self.values[list(at), 0], self.between[columns, 0], self.step)
        models = self.values[np.ix_(list(at), columns)]
        return told.of_distances(models, self.between[np.ix_(columns, columns)], log=self.log)

    def shown(self, at: int, against: Sequence[int]) -> float:
        """The model's own value or its mean distance, as the table has it."""
        row = self.values[at]
        if self.kind == "distance" and against:
            row = row[[self.oracles.index(seed) for seed in against]]
        return self.base + self.sign * float(np.nanmean(row))

    def expected(self, against: Sequence[int]) -> float:
        """The mean of the oracles' own values, or of their distances to each other."""
        columns = [self.oracles.index(seed) for seed in against]
        if self.kind == "value":
            return float(self.between[columns, 0].mean())
        apart = self.between[np.ix_(columns, columns)]
        return self.base + self.sign * float(apart[~np.eye(len(columns), dtype=bool)].mean())
