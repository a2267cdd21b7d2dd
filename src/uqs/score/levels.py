"""The terms of UQS for a table, which of them exist, and their weighted sum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from uqs.errors import UserError
from uqs.records import Status
from uqs.results.panel import Panel
from uqs.score.calibration import KNOWING, Calibration, LadderTerms
from uqs.score.cube import UNSOUND, Cube, status_of
from uqs.score.transforms import TRANSFORMS, Form, Scale, Term, calibrate

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class OmittedMetric:
    """A metric that is not used on a benchmark, for any method, and why.

    `missing`: the number of methods without a value there. `detail`: why the ladder gives it no scale.
    """

    benchmark: str
    metric: str
    status: Status
    missing: int
    detail: str = ""


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


class BenchmarkTerms(Protocol):
    """From values `(..., K)` of models on one benchmark to their terms `(..., K)`, NaN if unavailable."""

    def __call__(self, values: FloatArray) -> FloatArray: ...

    def plain(self, values: FloatArray) -> FloatArray:
        """The terms of each metric alone, before any gate."""
        ...


@dataclass(frozen=True)
class EachAlone:
    """Every metric has its own transform, by metric number."""

    terms: Mapping[int, Term]

    def __call__(self, values: FloatArray) -> FloatArray:
        found = np.full(values.shape, np.nan)
        for k, term in self.terms.items():
            found[..., k] = term(values[..., k])
        return found

    def plain(self, values: FloatArray) -> FloatArray:
        return self(values)


@dataclass(frozen=True)
class Terms:
    """The transform of the metrics on each benchmark, and where the score can use them, `(B, K)`."""

    of_benchmark: tuple[BenchmarkTerms, ...]
    available: BoolArray
    left_out: tuple[OmittedMetric, ...]


def terms(cube: Cube, panel: Panel, form: Form, ladders: Calibration | None = None) -> Terms:
    """The usable metrics per benchmark: every method has them and, if calibrated, they have a scale.

    If one method lacks a metric on a benchmark, it is left out there for all methods, so that all methods are
    compared on the same terms; the weights of the rest keep their proportions. `ladders` calibrate the
    benchmarks that have references; the others are calibrated by oracles and originals.
    """
    of_benchmark: list[BenchmarkTerms] = []
    left_out: list[OmittedMetric] = []
    available = np.zeros((len(cube.benchmarks), len(cube.metrics)), dtype=np.bool_)
    for b, benchmark in enumerate(cube.benchmarks):
        ladder = ladders.of(benchmark) if ladders and form == "calibrated" else None
        alone: dict[int, Term] = {}
        known: list[str] = []
        used: list[str] = []
        for k, metric in enumerate(cube.metrics):
            missing = int(np.isnan(cube.means[b, :, k]).sum())
            known += [] if missing else [metric]
            detail = ladder.why.get(metric, "") if ladder else ""
            scale: Term | Status | None
            if missing:
                scale = _missing_status(panel, benchmark, metric)
            elif detail:
                scale = Status.NO_SCALE
            elif ladder:
                scale = None
            else:
                scale = _scale(panel, benchmark, metric, form)
            if isinstance(scale, Status):
                said = "" if missing else detail
                left_out.append(OmittedMetric(benchmark, metric, scale, missing, said))
                continue
            used.append(metric)
            available[b, k] = ladder is None or metric in KNOWING
            if scale is not None:
                alone[k] = scale
        of_benchmark.append(
            LadderTerms(ladder, cube.metrics, tuple(known), tuple(used))
            if ladder
            else EachAlone(alone)
        )
    if not available.any():
        statuses = sorted({str(one.status) for one in left_out})
        raise UserError(f"no metric can be used in the {form} form: {', '.join(statuses)}")
    return Terms(tuple(of_benchmark), available, tuple(left_out))


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


def by_benchmark(cube: Cube, used: Terms, *, gated: bool = True) -> Levels:
    """One stratum per benchmark: the terms of each method's mean run there, with or without gates."""
    values = [
        one(means) if gated else one.plain(means)
        for one, means in zip(used.of_benchmark, cube.means, strict=True)
    ]
    return Levels(cube.benchmarks, np.stack(values), used.available)


def pooled(cube: Cube, used: Terms) -> Levels:
    """One stratum for all: the published terms of each method's mean run, averaged over benchmarks."""
    values = np.full((1, len(cube.methods), len(cube.metrics)), np.nan)
    means = pooled_means(cube, used.available)
    for k, metric in enumerate(cube.metrics):
        if used.available[:, k].any():
            values[0, :, k] = TRANSFORMS[metric].published(means[:, k])
    return Levels(("all benchmarks",), values, np.asarray(used.available.any(axis=0))[None, :])


def pooled_means(cube: Cube, available: BoolArray) -> FloatArray:
    """`(M, K)`: the mean over the benchmarks where the metric is available."""
    counts = np.maximum(available.sum(axis=0), 1)
    kept = np.where(available[:, None, :], cube.means, 0.0)
    return np.asarray(kept.sum(axis=0) / counts)
