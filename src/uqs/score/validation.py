"""Held-out check: does UQS follow the oracle, compared with equal weights, single metrics, sentinels?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from uqs.records import Status
from uqs.results.panel import without_strength
from uqs.score.cube import Cube
from uqs.score.learned_weights import FEWEST, learn, reliabilities
from uqs.score.levels import Levels
from uqs.score.weights import Weights
from uqs.stats.coefficients import spearman

FloatArray = NDArray[np.float64]
Scheme = Literal["benchmark", "method"]
Kind = Literal["uqs", "metric", "sentinel"]


@dataclass(frozen=True)
class Correlation:
    """A rho, or the status that says why it is missing; the coverage counts benchmarks."""

    value: float | None
    defined: int
    groups: int
    status: Status


@dataclass(frozen=True)
class HeldOutResult:
    """How well one predictor follows minus the oracle distance on the left-out part.

    `within` is the equal-weight mean over benchmarks of rho over methods. `pooled` is rho over all benchmark
    x method cells together, so differences between benchmarks count too: compare it with the benchmark-mean
    sentinel, which knows nothing about methods. A left-out method is ranked among the others of its
    benchmark, so there is nothing to pool.
    """

    left_out: Scheme
    predictor: str
    kind: Kind
    within: Correlation
    pooled: Correlation | None
    learned: bool = False
    """Whether the predictor was chosen or fitted on the part that was not left out."""
    target: str = "oracle distance"
    """What a high score should go with little of."""


@dataclass(frozen=True)
class Predictions:
    """Predictions `(B, M)` for left-out cells, NaN if nothing could be learned.

    `uqs` uses learned weights, `best` the single metric that did best in training.
    """

    uqs: FloatArray
    best: FloatArray


def validate(
    cube: Cube, levels: Levels, alone: Levels, chosen: Weights, rng: np.random.Generator
) -> tuple[HeldOutResult, ...] | Status:
    """Leave one benchmark out, then one method; `levels` has the benchmarks as strata, `alone` the terms of
    single metrics, without gates.

    The predictor may not learn from the left-out part. Weights from the user or the study are not learned
    from this table, so for them the two schemes give the same.
    """
    if np.isnan(cube.distance).all():
        return Status.MISSING_ORACLE
    if len(cube.methods) < FEWEST:
        return Status.TOO_FEW
    schemes: dict[Scheme, Predictions] = {
        "benchmark": leave_benchmark_out(cube, levels, alone, rng),
        "method": leave_method_out(cube, levels, alone, rng),
    }
    found = []
    for scheme, predicted in schemes.items():
        race = _Race(scheme, cube)
        found += [
            race.held("held-out weights", "uqs", predicted.uqs, learned=True),
            *_fixed(race, levels, chosen),
            race.held("best single metric in training", "metric", predicted.best, learned=True),
        ]
        if scheme == "benchmark":
            found.append(race.held("method identity", "sentinel", _identity(cube), learned=True))
            found += [
                race.held(f"{metric} alone", "metric", alone.values[:, :, k])
                for k, metric in enumerate(cube.metrics)
            ]
    return tuple(found)


def leave_benchmark_out(
    cube: Cube, levels: Levels, alone: Levels, rng: np.random.Generator
) -> Predictions:
    """Scores on each benchmark, learned on the others."""
    count = len(cube.benchmarks)
    uqs, best = np.full((2, *cube.distance.shape), np.nan)
    if count < 2:
        return Predictions(uqs, best)
    rho = reliabilities(alone.values, cube.distance)
    for b in range(count):
        training = np.delete(rho, b, axis=0)
        values, distance = (np.delete(one, b, axis=0) for one in (levels.values, cube.distance))
        uqs[b] = levels.scores(learn(values, distance, rng, cube.methods).weights)[b]
        if (k := best_metric(training)) is not None:
            best[b] = alone.values[b, :, k]
    return Predictions(uqs, best)


def leave_method_out(
    cube: Cube, levels: Levels, alone: Levels, rng: np.random.Generator
) -> Predictions:
    """Each method's rank on each benchmark, as predicted from the other methods; all its strengths are left
    out at once.

    These are ranks, because scores under the weights of different folds have no common scale.
    """
    uqs, best = np.full((2, *cube.distance.shape), np.nan)
    methods = np.array([without_strength(name) for name in cube.methods])
    if len(set(methods.tolist())) <= FEWEST:
        return Predictions(uqs, best)
    for method in np.unique(methods):
        m = np.flatnonzero(methods == method)
        kept = np.flatnonzero(methods != method)
        values, distance = levels.values[:, kept], cube.distance[:, kept]
        learned = learn(values, distance, rng, [cube.methods[at] for at in kept])
        uqs[:, m] = _places(levels.scores(learned.weights))[:, m]
        if (k := best_metric(reliabilities(alone.values[:, kept], distance))) is not None:
            best[:, m] = _places(alone.values[:, :, k])[:, m]
    return Predictions(uqs, best)


def _places(scores: FloatArray) -> FloatArray:
    """`(B, M)` mid-ranks over methods, higher is better; NaN on benchmarks with a NaN."""
    return np.asarray(rankdata(np.round(scores, 12), axis=1))


def _fixed(race: _Race, levels: Levels, chosen: Weights) -> list[HeldOutResult]:
    """Predictors that learn nothing from the table."""
    even = levels.scores(np.ones(len(race.cube.metrics)))
    mean = np.broadcast_to(even.mean(axis=1, keepdims=True), even.shape)
    found = [race.held("equal weights", "uqs", even)]
    knows_left_out = race.scheme == "method" and len(chosen.matrix) > 1
    if chosen.source not in ("equal", "held-out") and not knows_left_out:
        scores = levels.scores(chosen.matrix)
        found.append(race.held(f"weights: {chosen.source}", "uqs", scores))
    return [*found, race.held("benchmark mean", "sentinel", mean)]


def best_metric(rho: FloatArray) -> int | None:
    """The metric with the highest mean rho over `(B, K)` training benchmarks; if tied, the first."""
    defined = (~np.isnan(rho)).sum(axis=0)
    if not defined.any():
        return None
    means = np.where(np.isnan(rho), 0.0, rho).sum(axis=0) / np.maximum(defined, 1)
    return int(np.argmax(np.round(np.where(defined > 0, means, -np.inf), 12)))


def _identity(cube: Cube) -> FloatArray:
    """`(B, M)`: minus each method's mean rank of oracle distance on the other benchmarks; no metric."""
    found = np.full(cube.distance.shape, np.nan)
    for b in range(len(found)):
        others = np.delete(cube.distance, b, axis=0)
        known = others[~np.isnan(others).any(axis=1)]
        if len(known):
            found[b] = -_places(known).mean(axis=0)
    return found


@dataclass(frozen=True)
class _Race:
    """The predictors of one scheme, compared with one target."""

    scheme: Scheme
    cube: Cube

    def held(
        self, predictor: str, kind: Kind, scores: FloatArray, *, learned: bool = False
    ) -> HeldOutResult:
        target = -np.round(self.cube.distance, 12)
        scores = np.round(scores, 12)
        pooled = None if self.scheme == "method" else _pooled(scores, target)
        return HeldOutResult(self.scheme, predictor, kind, within(scores, target), pooled, learned)


def within(scores: FloatArray, target: FloatArray) -> Correlation:
    """The mean over benchmarks of rho between `(B, M)` scores and target, with its coverage."""
    rhos = [spearman(*pair) for pair in zip(scores, target, strict=True)]
    values = [rho.value for rho in rhos if rho.value is not None and rho.n >= FEWEST]
    few = Status.TOO_FEW if any(rho.n < FEWEST for rho in rhos) else Status.CONSTANT
    return Correlation(
        value=float(np.mean(values)) if values else None,
        defined=len(values),
        groups=len(rhos),
        status=Status.OK if values else few,
    )


def _pooled(scores: FloatArray, target: FloatArray) -> Correlation:
    whole = spearman(scores.ravel(), target.ravel())
    usable = whole.n >= FEWEST
    return Correlation(
        value=whole.value if usable else None,
        defined=int((~np.isnan(scores + target)).any(axis=1).sum()),
        groups=len(scores),
        status=Status(whole.status) if usable else Status.TOO_FEW,
    )
