"""Which metrics say nothing about the methods of a benchmark, and how noisy their values are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uqs.audit.order import Order, OrderFinding
from uqs.records import VALUED, Status
from uqs.results.panel import FloatArray, Panel
from uqs.stats.noise import noise_floor, pair_differences, wilson_error

PROPORTIONS = frozenset({"FA", "RA"})
"""Metrics that are a share of items; their error follows from the number of items."""


@dataclass(frozen=True)
class DegenerateMetric:
    """A metric that says nothing about a benchmark's methods.

    A metric is `unresolved` if, at every strength, it cannot tell any two methods apart. `value` is the one
    value of a constant metric, or the range of an unresolved one; None if there are too few values or no
    oracle.
    """

    benchmark: str
    metric: str
    status: Status
    value: float | None


@dataclass(frozen=True)
class MetricNoise:
    """Measurement error of a metric in a benchmark.

    `error`: the root mean square standard error. `floor`: the mean distance between two oracles, or the mean
    difference between their own values; it is not an error. `reliability`: the share of the variance of the
    methods' means that is their own (G of `Order`, mean over strengths); items that all methods share are no
    error of their order. Each is None if unknown.
    """

    benchmark: str
    metric: str
    error: float | None
    floor: float | None
    reliability: float | None


def standard_errors(panel: Panel, metric: str) -> FloatArray:
    """Given standard errors, else those of Wilson's interval for accuracies of known n; NaN if unknown."""
    given = panel.errors.get(metric, np.full(len(panel), np.nan)).copy()
    counts = panel.counts.get(metric, np.zeros(len(panel), dtype=np.int64))
    values = panel.values[metric]
    if metric in PROPORTIONS:
        lacking = np.isnan(given) & (counts > 0) & (values >= 0) & (values <= 1)
        given[lacking] = wilson_error(values[lacking], counts[lacking])
    return given


def floor_of(panel: Panel, benchmark: str, metric: str) -> float | None:
    """How far apart two oracles are: their mean distance, or the mean difference of their own values."""
    key = benchmark, metric
    between = noise_floor(panel.floors.get(key, np.array([])))
    own = panel.oracles.get(key, np.array([]))
    return between if between is not None else noise_floor(pair_differences(own))


def measure_noise(panel: Panel, orders: Iterable[Order]) -> Iterator[MetricNoise]:
    """The noise of every metric in every benchmark where something is known about it."""
    shares: dict[tuple[str, str], list[float]] = {}
    for order in orders:
        if order.found is not None:
            shares.setdefault((order.benchmark, order.metric), []).append(order.found.g)
    for metric in panel.metrics:
        errors = standard_errors(panel, metric)
        for benchmark, every in panel.strata.items():
            rows = every[~np.isnan(panel.values[metric][every])]
            known = errors[rows][~np.isnan(errors[rows])]
            error = float(np.sqrt(np.mean(known**2))) if len(known) else None
            floor = floor_of(panel, benchmark, metric)
            own = shares.get((benchmark, metric), [])
            share = float(np.mean(own)) if own else None
            if error is not None or floor is not None or share is not None:
                yield MetricNoise(benchmark, metric, error, floor, share)


def find_degenerate(panel: Panel, orders: Iterable[Order]) -> Iterator[DegenerateMetric]:
    """Every metric and benchmark where the values are constant, unresolved or too few."""
    shown: dict[tuple[str, str], set[OrderFinding]] = {}
    for order in orders:
        shown.setdefault((order.benchmark, order.metric), set()).add(order.shown)
    for benchmark, rows in panel.strata.items():
        for metric in panel.metrics:
            known = rows[~np.isnan(panel.values[metric][rows])]
            values = panel.values[metric][known]
            if len(set(panel.method[known].tolist())) < 2:
                yield DegenerateMetric(benchmark, metric, _reason(panel, metric, rows), None)
            elif np.ptp(values) == 0:
                yield DegenerateMetric(benchmark, metric, Status.CONSTANT, float(values[0]))
            elif shown.get((benchmark, metric)) == {OrderFinding.NOTHING}:
                yield DegenerateMetric(benchmark, metric, Status.UNRESOLVED, float(np.ptp(values)))


def _reason(panel: Panel, metric: str, rows: NDArray[np.intp]) -> Status:
    """The status shared by all missing values, else too few. A lower bound has no value."""
    statuses = set(panel.statuses[metric][rows]) if metric in panel.statuses else set()
    reasons = statuses - (VALUED - {Status.LOWER_BOUND})
    return Status(reasons.pop()) if len(reasons) == 1 else Status.TOO_FEW
