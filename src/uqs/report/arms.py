"""Agreement of metrics by arm: each benchmark, their mean, and all rows pooled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from uqs.audit.association import StratifiedMean, Value
from uqs.audit.findings import Agreement

WITHIN, POOLED = "mean over benchmarks", "all rows pooled"


@dataclass(frozen=True)
class Arm:
    """tau-b of all pairs of metrics in one part of a table, in the audit's order; None where undefined.

    `rows`: the most rows that a value stands on.
    """

    name: str
    values: tuple[float | None, ...]
    rows: int

    @property
    def defined(self) -> tuple[float, ...]:
        return tuple(value for value in self.values if value is not None)

    @property
    def mean(self) -> float | None:
        """Over the pairs where tau-b is defined."""
        return fmean(self.defined) if self.defined else None

    @property
    def sd(self) -> float | None:
        """Between pairs; None for fewer than two."""
        return stdev(self.defined) if len(self.defined) > 1 else None


def arms(pairs: Sequence[Agreement]) -> list[Arm]:
    """An arm per benchmark; with several benchmarks also their mean and the pooled rows."""
    if not pairs:
        return []
    names = list(pairs[0].tau.per_benchmark)
    found = [_arm(name, [one.tau.per_benchmark[name] for one in pairs]) for name in names]
    if len(names) < 2:
        return found
    return [
        *found,
        _arm(WITHIN, [one.tau.stratified for one in pairs], sum(one.rows for one in found)),
        _arm(POOLED, [one.tau.pooled for one in pairs]),
    ]


def _arm(name: str, of: Sequence[Value | StratifiedMean], rows: int = 0) -> Arm:
    known = max([rows, *(one.n for one in of if isinstance(one, Value))])
    return Arm(name, tuple(one.value for one in of), known)
