"""A results table in wide form; the statistics read this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Better = Literal["lower", "higher", "target"]
STRENGTH = "@"
"""Stands between a method and its strength in the names of a Panel."""


def without_strength(name: str) -> str:
    """The method of a name such as `method@strength`."""
    return name.rpartition(STRENGTH)[0] or name


_USUAL = {"weak": 0, "medium": 1, "strong": 2}


@dataclass(frozen=True)
class Panel:
    """One row per unlearned model, one column per metric.

    `benchmark`, `method` and `seed` have one entry per row and together form a key; a method at several
    strengths appears as `method@strength`. `values[metric]` is `(rows,)`, NaN where there is no number;
    `errors[metric]`: standard errors, NaN where unknown; `counts[metric]`: the n of each value, 0 where
    unknown; `bounds[metric]`: how far the exact values may be from the given ones, 0 where exact (already
    included in `errors`). If only a bound is known, the value is NaN and `statuses[metric]` is
    `lower_bound`. `better`: each metric's direction; `notes`: what a reader of the results must know about
    the table.

    Other models, all by (benchmark, metric): `originals`: the original models' values; `oracles`: the
    oracles' own values (FA, RA, MIA); `floors`: for metrics that need an oracle, the oracle-to-oracle values,
    one per pair of oracles. A missing key means unknown.

    `by_oracle[metric]` is `(rows, oracles)`: the values that `values` averages, one column per oracle, NaN
    where a model was not compared with it; absent for a metric without oracles.
    """

    benchmark: NDArray[np.str_]
    method: NDArray[np.str_]
    seed: NDArray[np.int64]
    values: Mapping[str, FloatArray]
    better: Mapping[str, Better]
    errors: Mapping[str, FloatArray] = field(default_factory=dict)
    counts: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    originals: Mapping[tuple[str, str], FloatArray] = field(default_factory=dict)
    oracles: Mapping[tuple[str, str], FloatArray] = field(default_factory=dict)
    floors: Mapping[tuple[str, str], FloatArray] = field(default_factory=dict)
    statuses: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    by_oracle: Mapping[str, FloatArray] = field(default_factory=dict)
    bounds: Mapping[str, FloatArray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.benchmark)

    @property
    def metrics(self) -> tuple[str, ...]:
        return tuple(sorted(self.values))

    @property
    def benchmarks(self) -> tuple[str, ...]:
        return tuple(self.strata)

    @property
    def methods(self) -> tuple[str, ...]:
        return tuple(map(str, np.unique(self.method)))

    @cached_property
    def strata(self) -> Mapping[str, NDArray[np.intp]]:
        """The rows of each benchmark."""
        names, codes = np.unique(self.benchmark, return_inverse=True)
        order = np.argsort(codes, kind="stable")
        parts = np.split(order, np.cumsum(np.bincount(codes))[:-1])
        return dict(zip(map(str, names), parts, strict=True))

    @cached_property
    def whole_method(self) -> NDArray[np.str_]:
        """Each row's method without its strength, `(rows,)`."""
        return np.array([without_strength(name) for name in self.method.tolist()], dtype=np.str_)

    @cached_property
    def strength(self) -> NDArray[np.str_]:
        """Each row's strength, `(rows,)`; empty where a method has none."""
        parts = [name.rpartition(STRENGTH) for name in self.method.tolist()]
        return np.array([strength if name else "" for name, _, strength in parts], dtype=np.str_)

    @property
    def strengths(self) -> tuple[str, ...]:
        """The named strengths, in the table's usual order: weak, medium, strong, then others by name."""
        named = set(self.strength.tolist()) - {""}
        return tuple(sorted(named, key=lambda name: (_USUAL.get(name, len(_USUAL)), name)))

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Panel:
        """The panel of some rows, given by index or mask, in that order."""
        return replace(
            self,
            benchmark=self.benchmark[rows],
            method=self.method[rows],
            seed=self.seed[rows],
            values={metric: array[rows] for metric, array in self.values.items()},
            errors={metric: array[rows] for metric, array in self.errors.items()},
            counts={metric: array[rows] for metric, array in self.counts.items()},
            bounds={metric: array[rows] for metric, array in self.bounds.items()},
            statuses={metric: array[rows] for metric, array in self.statuses.items()},
            by_oracle={metric: array[rows] for metric, array in self.by_oracle.items()},
        )

    def ordered(self) -> Panel:
        """The same panel with rows sorted by benchmark, method and seed."""
        return self.take(np.lexsort((self.seed, self.method, self.benchmark)))
