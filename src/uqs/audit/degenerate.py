"""Which metrics cannot tell the methods of a benchmark apart, and how much error their values carry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uqs.panel import FloatArray, Panel
from uqs.records import VALUED, Status
from uqs.stats.noise import reliability, wilson_error

PROPORTIONS = frozenset({"FA", "RA"})
"""Metrics that are a share of items, so that their error follows from their count."""


@dataclass(frozen=True)
class Degenerate:
    """A metric that says nothing of a benchmark's methods.

    `value` is the one value of a constant metric, the range of an unresolved one, and none where there
    are too few values or no oracle.
    """

    benchmark: str
    metric: str
    status: Status
    value: float | None


@dataclass(frozen=True)
class Noise:
    """Measurement error of a metric in a benchmark.

    `error` is the root mean square standard error; `floor` the oracle-to-oracle difference;
    `reliability` the share of variance that is not error. Each is none where unknown.
    """

    benchmark: str
    metric: str
    error: float | None
    floor: float | None
    reliability: float | None


def standard_errors(panel: Panel, metric: str) -> FloatArray:
    """Given standard errors, else those of Wilson's interval for accuracies of known count; NaN unknown."""
    given = panel.errors.get(metric, np.full(len(panel), np.nan)).copy()
    counts = panel.counts.get(metric, np.zeros(len(panel), dtype=np.int64))
    values = panel.values[metric]
    if metric in PROPORTIONS:
        lacking = np.isnan(given) & (counts > 0) & (values >= 0) & (values <= 1)
        given[lacking] = wilson_error(values[lacking], counts[lacking])
    return given


def noise_floor(panel: Panel, benchmark: str, metric: str) -> float | None:
    """How far oracles differ from each other: their mean distance, or the range of their own values."""
    between = panel.floors.get((benchmark, metric))
    if between is not None and len(between):
        return float(np.mean(between))
    own = panel.oracles.get((benchmark, metric))
    return float(np.ptp(own)) if own is not None and len(own) > 1 else None


def measure_noise(panel: Panel) -> Iterator[Noise]:
    """The noise of every metric in every benchmark where something is known of it."""
    for metric in panel.metrics:
        errors = standard_errors(panel, metric)
        for benchmark, every in panel.strata.items():
            rows = every[~np.isnan(panel.values[metric][every])]
            known = errors[rows][~np.isnan(errors[rows])]
            error = float(np.sqrt(np.mean(known**2))) if len(known) else None
            floor = noise_floor(panel, benchmark, metric)
            if error is not None or floor is not None:
                share = reliability(panel.values[metric][rows], errors[rows])
                yield Noise(benchmark, metric, error, floor, share)


def find_degenerate(panel: Panel) -> Iterator[Degenerate]:
    """Every metric and benchmark where the values are constant, unresolved or too few."""
    noise = {(item.benchmark, item.metric): item for item in measure_noise(panel)}
    for benchmark, rows in panel.strata.items():
        for metric in panel.metrics:
            known = rows[~np.isnan(panel.values[metric][rows])]
            values = panel.values[metric][known]
            if len(set(panel.method[known].tolist())) < 2:
                yield Degenerate(benchmark, metric, _reason(panel, metric, rows), None)
            elif np.ptp(values) == 0:
                yield Degenerate(benchmark, metric, Status.CONSTANT, float(values[0]))
            elif (benchmark, metric) in noise:
                item, spread = noise[benchmark, metric], float(np.ptp(values))
                if spread < max(2 * (item.error or 0), item.floor or 0):
                    yield Degenerate(benchmark, metric, Status.UNRESOLVED, spread)


def _reason(panel: Panel, metric: str, rows: NDArray[np.intp]) -> Status:
    """The one status that all missing values carry, else too few."""
    statuses = set(panel.statuses[metric][rows]) if metric in panel.statuses else set()
    reasons = statuses - VALUED
    return Status(reasons.pop()) if len(reasons) == 1 else Status.TOO_FEW
