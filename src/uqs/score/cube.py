"""A panel as a cube of benchmarks, methods, runs and metrics, all in sorted order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uqs.errors import UserError
from uqs.metrics.catalogue import CARDS
from uqs.records import VALUED, Status
from uqs.results.panel import Panel

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
TARGET = "oracle_distance"
UQS_METRICS = ("FA", "RA", "MIA", "AD", "JS")

UNSOUND = frozenset({Status.WEAK_ORIGINAL, Status.KNOWN_HOLDOUT})
"""Statuses of values that are missing because of the models themselves."""


@dataclass(frozen=True)
class Cube:
    """Runs by (benchmark, method, run, metric), padded with NaN to the largest number of runs.

    `values` and `errors` are `(B, M, R, K)`; `by_oracle` `(B, M, R, O, K)` has the values of each oracle, the
    same for all oracles where a metric needs none; `runs` `(B, M)` counts runs, `seeds` `(B, M, R)` names
    them, -1 beyond; `distance` `(B, M)` is the mean oracle distance, NaN if not measured. A row without any
    value of a UQS metric does not count as a run. The cube has only methods with runs on every benchmark;
    `partial` names the others and the number of their benchmarks, `unmeasured` the benchmarks without any run
    and their status.
    """

    benchmarks: tuple[str, ...]
    methods: tuple[str, ...]
    metrics: tuple[str, ...]
    values: FloatArray
    errors: FloatArray
    by_oracle: FloatArray
    runs: NDArray[np.int64]
    seeds: NDArray[np.int64]
    distance: FloatArray
    partial: Mapping[str, int]
    unmeasured: Mapping[str, Status]

    @property
    def means(self) -> FloatArray:
        """`(B, M, K)`: the mean over runs with a value, NaN if there are none."""
        return _mean(self.values, axis=2)

    @property
    def available(self) -> BoolArray:
        """`(B, K)`: every method has the metric on the benchmark."""
        return np.asarray(~np.isnan(self.means).any(axis=1))

    @property
    def constant(self) -> BoolArray:
        """`(B, K)`: available, and all runs have the same value."""
        flat = self.values.reshape(len(self.benchmarks), -1, len(self.metrics))
        low, high = np.fmin.reduce(flat, axis=1), np.fmax.reduce(flat, axis=1)
        return np.asarray(self.available & (low == high))


def _mean(values: FloatArray, axis: int) -> FloatArray:
    """Mean over the known values; NaN if none is known."""
    known = ~np.isnan(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def build(panel: Panel) -> Cube:
    """The cube of the UQS metrics in the panel. Raises UserError if nothing can be ranked."""
    metrics = tuple(m for m in UQS_METRICS if m in panel.values and _known(panel, m))
    if not metrics:
        raise UserError(f"the table has none of the metrics of UQS: {', '.join(UQS_METRICS)}")
    for metric in metrics:
        _within_bounds(panel, metric)
    run = np.any([~np.isnan(panel.values[metric]) for metric in metrics], axis=0)
    empty = sorted(set(panel.benchmark.tolist()) - set(panel.benchmark[run].tolist()))
    unmeasured = {name: status_of(panel, panel.benchmark == name, metrics) for name in empty}
    panel = panel.take(run)
    benchmarks, everyone = list(panel.benchmarks), list(panel.methods)
    has = {m: set(panel.benchmark[panel.method == m].tolist()) for m in everyone}
    methods = [m for m in everyone if len(has[m]) == len(benchmarks)]
    if len(methods) < 2:
        raise UserError(
            f"a ranking needs two methods or more with runs on every benchmark, not {len(methods)}"
            f" of {len(everyone)}"
        )
    rows = _rows(panel, benchmarks, methods)
    cube = Cube(
        benchmarks=tuple(benchmarks),
        methods=tuple(methods),
        metrics=metrics,
        values=np.stack([_take(panel.values[m], rows) for m in metrics], axis=-1),
        errors=np.stack([_take(panel.errors.get(m), rows) for m in metrics], axis=-1),
        by_oracle=_by_oracle(panel, metrics, rows),
        runs=(rows >= 0).sum(axis=2),
        seeds=np.where(rows >= 0, panel.seed[rows], -1),
        distance=_mean(_take(panel.values.get(TARGET), rows), axis=2),
        partial={m: len(has[m]) for m in everyone if m not in methods},
        unmeasured=unmeasured,
    )
    if (cube.constant | ~cube.available).all():
        raise UserError(
            "no metric differs between methods on any benchmark where all of them have it;"
            " nothing can be ranked"
        )
    return cube


def _known(panel: Panel, metric: str) -> bool:
    return bool((~np.isnan(panel.values[metric])).any())


def status_of(panel: Panel, rows: BoolArray, metrics: tuple[str, ...]) -> Status:
    """The alphabetically first status of the missing values."""
    found = {
        Status(status)
        for metric in metrics
        if metric in panel.statuses
        for status in panel.statuses[metric][rows].tolist()
        if status not in VALUED
    }
    return min(found, default=Status.TOO_FEW)


def _within_bounds(panel: Panel, metric: str) -> None:
    low, high = CARDS[metric].bounds
    values = panel.values[metric]
    if (wrong := (values < low) | (values > high)).any():
        row = int(np.argmax(wrong))
        raise UserError(
            f"{metric} of {panel.method[row]} on {panel.benchmark[row]}, seed {panel.seed[row]}, is"
            f" {values[row]:g}, outside {low:g} to {high:g}"
        )


def _rows(panel: Panel, benchmarks: list[str], methods: list[str]) -> NDArray[np.int64]:
    """`(B, M, R)`: the panel's rows of each cell in seed order, -1 where a cell has fewer runs."""
    cells: dict[tuple[str, str], list[int]] = {}
    for row in np.argsort(panel.seed, kind="stable"):
        cells.setdefault((str(panel.benchmark[row]), str(panel.method[row])), []).append(int(row))
    most = max(len(rows) for rows in cells.values())
    found = np.full((len(benchmarks), len(methods), most), -1, dtype=np.int64)
    for b, benchmark in enumerate(benchmarks):
        for m, method in enumerate(methods):
            rows = cells[benchmark, method]
            found[b, m, : len(rows)] = rows
    return found


def _take(column: FloatArray | None, rows: NDArray[np.int64]) -> FloatArray:
    if column is None:
        return np.full(rows.shape, np.nan)
    return np.where(rows >= 0, column[rows], np.nan)


def _by_oracle(panel: Panel, metrics: tuple[str, ...], rows: NDArray[np.int64]) -> FloatArray:
    """`(B, M, R, O, K)`; a metric with fewer oracles than others has its mean for each of them."""
    held = {name: panel.by_oracle[name] for name in metrics if name in panel.by_oracle}
    most = max((columns.shape[1] for columns in held.values()), default=1)
    found = np.empty((*rows.shape, most, len(metrics)))
    for k, metric in enumerate(metrics):
        columns = held.get(metric)
        for oracle in range(most):
            whole = columns is None or columns.shape[1] < most
            column = panel.values[metric] if whole else held[metric][:, oracle]
            found[..., oracle, k] = _take(column, rows)
    return found
