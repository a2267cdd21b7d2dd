"""The terms of UQS for a table, which of them exist, and their weighted sum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uqs.errors import UserError
from uqs.records import Status
from uqs.results.panel import Panel
from uqs.score.cube import UNSOUND, Cube, status_of
from uqs.score.transforms import TRANSFORMS, Form, Scale, Term, calibrate

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class OmittedMetric:
    """A metric that is not used on a benchmark, for any method, and why."""

    benchmark: str
    metric: str
    status: Status
    missing: int
    """Number of methods without a value there."""


@dataclass(frozen=True)
class Levels:
    """`values` `(S, M, K)` are terms in [0, 1] by stratum, method and metric, NaN where unavailable.

    A stratum is a benchmark, or all of them as one. `available` is `(S, K)`.
    """

    strata: tuple[str, ...]
    values: FloatArray
    available: BoolArray

    def effective(self, weights: FloatArray) -> FloatArray:
        """`(S, K)` weights with sum 1 over the available terms, from `(K,)` or `(S, K)` with any sum."""
        found = np.where(self.available, weights, 0.0)
        total = found.sum(axis=1)
        if (total <= 0).any():
            empty = self.strata[int(np.argmax(total <= 0))]
            raise UserError(f"{empty} cannot be scored: none of its metrics has a weight above 0")
        return np.asarray(found / total[:, None])

    def scores(self, weights: FloatArray) -> FloatArray:
        """`(S, M)` weighted sums under `(K,)` or `(S, K)` weights."""
        terms = np.where(self.available[:, None, :], self.values, 0.0)
        return np.asarray((terms * self.effective(weights)[:, None, :]).sum(axis=2))

    def overall(self, weights: FloatArray) -> FloatArray:
        """`(M,)` equal-weight means over the strata."""
        return np.asarray(self.scores(weights).mean(axis=0))

    def overall_many(self, draws: FloatArray) -> FloatArray:
        """`(D, M)` overall scores under `(D, K)` weights, each renormalised as in `effective`."""
        draws = np.maximum(draws, np.finfo(np.float64).tiny)
        total = np.zeros((len(draws), self.values.shape[1]))
        for available, values in zip(self.available, self.values, strict=True):
            used = draws[:, available]
            total += (used / used.sum(axis=1, keepdims=True)) @ values[:, available].T
        return total / len(self.strata)


@dataclass(frozen=True)
class Terms:
    """The transform of each metric on each benchmark, if the score can use it."""

    by_cell: Mapping[tuple[int, int], Term]
    """By benchmark and metric number."""
    left_out: tuple[OmittedMetric, ...]


def terms(cube: Cube, panel: Panel, form: Form) -> Terms:
    """The usable metrics per benchmark: every method has them and, if calibrated, they have a scale.

    If one method lacks a metric on a benchmark, it is left out there for all methods, so that all methods are
    compared on the same terms; the weights of the rest keep their proportions.
    """
    found: dict[tuple[int, int], Term] = {}
    left_out: list[OmittedMetric] = []
    missing = np.isnan(cube.means).sum(axis=1)
    for b, benchmark in enumerate(cube.benchmarks):
        for k, metric in enumerate(cube.metrics):
            scale = _scale(panel, benchmark, metric, form)
            if missing[b, k]:
                status = _missing_status(panel, benchmark, metric)
                left_out.append(
                    OmittedMetric(benchmark, metric, status, missing=int(missing[b, k]))
                )
            elif isinstance(scale, Status):
                left_out.append(OmittedMetric(benchmark, metric, scale, missing=0))
            else:
                found[b, k] = scale
    if not found:
        statuses = sorted({str(one.status) for one in left_out})
        raise UserError(f"no metric can be used in the {form} form: {', '.join(statuses)}")
    return Terms(found, tuple(left_out))


def _missing_status(panel: Panel, benchmark: str, metric: str) -> Status:
    """The status; one that comes from the models themselves, or a bound, comes before too few."""
    here = panel.benchmark == benchmark
    if metric in panel.statuses and Status.LOWER_BOUND in panel.statuses[metric][here]:
        return Status.LOWER_BOUND
    status = status_of(panel, here, (metric,))
    return status if status in UNSOUND else Status.TOO_FEW


def _scale(panel: Panel, benchmark: str, metric: str, form: Form) -> Term | Scale | Status:
    if form == "published":
        return TRANSFORMS[metric].published
    return calibrate(panel, benchmark, metric)


def _available(cube: Cube, used: Terms) -> BoolArray:
    found = np.zeros((len(cube.benchmarks), len(cube.metrics)), dtype=np.bool_)
    for at in used.by_cell:
        found[at] = True
    return found


def by_benchmark(cube: Cube, used: Terms) -> Levels:
    """One stratum per benchmark: the terms of each method's mean run there."""
    means = cube.means
    values = np.full(means.shape, np.nan)
    for (b, k), term in used.by_cell.items():
        values[b, :, k] = term(means[b, :, k])
    return Levels(cube.benchmarks, values, _available(cube, used))


def pooled(cube: Cube, used: Terms) -> Levels:
    """One stratum for all: the published terms of each method's mean run, averaged over benchmarks."""
    values = np.full((1, len(cube.methods), len(cube.metrics)), np.nan)
    available = _available(cube, used)
    means = _pooled_means(cube, available)
    for k, metric in enumerate(cube.metrics):
        if available[:, k].any():
            values[0, :, k] = TRANSFORMS[metric].published(means[:, k])
    return Levels(("all benchmarks",), values, np.asarray(available.any(axis=0))[None, :])


def _pooled_means(cube: Cube, available: BoolArray) -> FloatArray:
    """`(M, K)`: the mean over the benchmarks where the metric is available."""
    counts = np.maximum(available.sum(axis=0), 1)
    kept = np.where(available[:, None, :], cube.means, 0.0)
    return np.asarray(kept.sum(axis=0) / counts)


@dataclass(frozen=True)
class ScoreNoise:
    """The known noise in each method's score: `(M, cells)` variances, degrees of freedom.

    The first B cells are seed noise within a benchmark, the last B item noise.
    """

    variances: FloatArray
    freedom: FloatArray
    single_runs: bool
    items_known: bool


def noise(cube: Cube, used: Terms, levels: Levels, weights: FloatArray) -> ScoreNoise:
    """The variance of each method's overall score, from the runs of a cell and from the items of a run.

    Runs of one benchmark and method differ by seed. The seed noise of the cell is their variance (or the
    variance pooled over methods, if larger) divided by the number of runs; it is infinite (not measured) with
    one run. All runs answer the same items, so item noise does not shrink with more runs: it comes from the
    table's standard errors, with metrics treated as independent. Benchmarks are fixed, not drawn. Runs that
    share an original model or an oracle share noise that is not in the table, so it is not included.
    """
    count, means = len(cube.benchmarks), cube.means
    available = _available(cube, used)
    shares = levels.effective(weights)
    deviation = np.zeros(cube.values.shape[:3])
    items = np.zeros((len(cube.methods), count))
    for (b, k), term in used.by_cell.items():
        if levels.strata == cube.benchmarks:
            centre, share = means[b, :, k], shares[b, k]
        else:
            centre = _pooled_means(cube, available)[:, k]
            share = shares[0, k] * count / available[:, k].sum()
        moved = cube.values[b, :, :, k] - means[b, :, k][:, None]
        change = term(np.maximum(centre[:, None] + moved, 0)) - term(centre)[:, None]
        deviation[b] += share * np.where(np.isnan(change), 0.0, change)
        error = _item_error(cube.errors[b, :, :, k])
        width = term(centre + error) - term(np.maximum(centre - error, 0))
        items[:, b] += (share * width / 2) ** 2
    variance, freedom = _of_seeds(deviation, cube.runs, _least_known(cube, used))
    return ScoreNoise(
        variances=np.hstack([variance.T, items]) / count**2,
        freedom=np.hstack([freedom.T, np.full(items.shape, np.inf)]),
        single_runs=bool((cube.runs < 2).any()),
        items_known=bool((~np.isnan(cube.errors)).any()),
    )


def _item_error(errors: FloatArray) -> FloatArray:
    """`(M,)` mean standard error of a cell's runs; 0 if the table has none."""
    known = ~np.isnan(errors)
    return np.asarray(np.where(known, errors, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))


def _least_known(cube: Cube, used: Terms) -> NDArray[np.int64]:
    """`(B, M)`: the number of runs with a value, for the used metric with the fewest values."""
    found = cube.runs.copy()
    for b, k in used.by_cell:
        found[b] = np.minimum(found[b], (~np.isnan(cube.values[b, :, :, k])).sum(axis=1))
    return found


def _of_seeds(
    deviation: FloatArray, runs: NDArray[np.int64], known: NDArray[np.int64]
) -> tuple[FloatArray, FloatArray]:
    """Variance of a cell's mean and its degrees of freedom, each `(B, M)`.

    From `(B, M, R)` deviations; only the first `runs` count. The variance of a run is the larger of the
    method's own and that pooled over the benchmark's methods, because two or three equal values do not prove
    that there is no noise. A method with fewer than two values of some term has no own variance. Infinite if
    no method has two runs, and for a method with a single run.
    """
    variance, freedom = np.full(runs.shape, np.inf), np.ones(runs.shape)
    for b in range(len(runs)):
        repeated = np.flatnonzero((runs[b] > 1) & (known[b] > 1))
        own = np.zeros(runs.shape[1])
        for m in repeated:
            own[m] = deviation[b, m, : runs[b, m]].var(ddof=1)
        pooled_freedom = float((runs[b, repeated] - 1).sum())
        if not pooled_freedom:
            continue
        pooled = float((own[repeated] * (runs[b, repeated] - 1)).sum()) / pooled_freedom
        for m in np.flatnonzero((runs[b] > 1) & (known[b] > 0)):
            mine = m in repeated and own[m] > pooled
            variance[b, m] = max(own[m], pooled) / known[b, m]
            freedom[b, m] = runs[b, m] - 1 if mine else pooled_freedom
    return variance, freedom
