"""Association of two aligned metrics: per benchmark, stratified over benchmarks, and pooled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from uqs.audit.direction import AlignedMetric, aligned
from uqs.records import Status
from uqs.results.panel import FloatArray, Panel
from uqs.stats.coefficients import Coefficient, tau_b

TARGETS = ("oracle_distance", "functional_distance")
"""The distances to the oracle that metrics are compared with."""

Statistic = Callable[[FloatArray, FloatArray], Coefficient]


@dataclass(frozen=True)
class Value:
    """A number over `n` rows, or the status that says why it is missing."""

    value: float | None
    n: int
    status: Status = Status.OK


@dataclass(frozen=True)
class StratifiedMean:
    """The equal-weight mean over the benchmarks with a defined number, and its coverage."""

    value: float | None
    groups_defined: int
    groups: int
    status: Status


@dataclass(frozen=True)
class Association:
    """Two metrics per benchmark, averaged over benchmarks, and pooled over all rows."""

    per_benchmark: Mapping[str, Value]
    stratified: StratifiedMean
    pooled: Value

    @property
    def sign_reverses(self) -> bool:
        """The pooled sign is opposite to the stratified one (Simpson 1951)."""
        pooled, within = self.pooled.value, self.stratified.value
        return pooled is not None and within is not None and pooled * within < 0


def associate(
    panel: Panel, x: AlignedMetric, y: AlignedMetric, statistic: Statistic
) -> Association:
    """One statistic of two aligned metrics, for each benchmark."""
    per_benchmark = {}
    for benchmark, rows in panel.strata.items():
        found = _value(statistic(x.values[rows], y.values[rows]))
        missing = x.status(benchmark) or y.status(benchmark)
        per_benchmark[benchmark] = Value(None, 0, missing) if missing else found
    return Association(
        per_benchmark, stratify(per_benchmark), _value(statistic(x.values, y.values))
    )


def stratify(per_benchmark: Mapping[str, Value]) -> StratifiedMean:
    """The equal-weight mean; if nothing is defined, the most common status."""
    defined = [cell.value for cell in per_benchmark.values() if cell.value is not None]
    if defined:
        mean = float(np.mean(defined))
        return StratifiedMean(mean, len(defined), len(per_benchmark), Status.OK)
    statuses = sorted(cell.status for cell in per_benchmark.values())
    status = max(statuses, key=statuses.count, default=Status.TOO_FEW)
    return StratifiedMean(None, 0, len(per_benchmark), status)


def _value(found: Coefficient) -> Value:
    return Value(found.value, found.n, Status(found.status.value))


def agreement(panel: Panel, a: str, b: str) -> Association:
    """tau-b of two metrics, both aligned."""
    return associate(panel, aligned(panel, a), aligned(panel, b), tau_b)
