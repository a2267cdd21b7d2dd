"""Aligned values, so that higher is better for every metric."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from uqs.records import Status
from uqs.results.panel import FloatArray, Panel


@dataclass(frozen=True)
class AlignedMetric:
    """A metric aligned so that higher is better, `(rows,)`; NaN where it has no value.

    `missing_oracle`: the benchmarks without an oracle value for a `target` metric.
    """

    values: FloatArray
    missing_oracle: frozenset[str] = frozenset()

    def status(self, benchmark: str) -> Status | None:
        return Status.MISSING_ORACLE if benchmark in self.missing_oracle else None


def aligned(panel: Panel, metric: str) -> AlignedMetric:
    """Align by the declared direction; a `target` metric becomes minus its distance to the oracles' mean."""
    values = np.asarray(panel.values[metric], dtype=np.float64)
    match panel.better[metric]:
        case "higher":
            return AlignedMetric(values.copy())
        case "lower":
            return AlignedMetric(-values)
    distance, missing = np.full(len(panel), np.nan), set()
    for benchmark, rows in panel.strata.items():
        oracle = panel.oracles.get((benchmark, metric))
        if oracle is None or not len(oracle):
            missing.add(benchmark)
        else:
            distance[rows] = -np.abs(values[rows] - oracle.mean())
    return AlignedMetric(distance, frozenset(missing))
