"""Does UQS follow the oracle where it was not fitted? Against equal weights, single metrics, sentinels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from uqs.records import Status
from uqs.score.cube import Cube
from uqs.score.levels import Levels
from uqs.score.weights import FEWEST, Weights, learn, reliabilities
from uqs.stats.coefficients import spearman

FloatArray = NDArray[np.float64]
Scheme = Literal["benchmark", "method"]
Kind = Literal["uqs", "metric", "sentinel"]


@dataclass(frozen=True)
class Correlation:
    """A rho, or the status that says why there is none; the coverage counts benchmarks."""

    value: float | None
    defined: int
    groups: int
    status: Status


@dataclass(frozen=True)
class Held:
    """How one predictor follows minus the oracle distance of what was left out.

    `within` is the equal-weight mean over benchmarks of rho over methods; `pooled` is rho over all
    benchmark x method cells together, where a difference between benchmarks counts too: read it beside the
    benchmark-mean sentinel, which knows nothing of methods.
    """

    left_out: Scheme
    predictor: str
    kind: Kind
    within: Correlation
    pooled: Correlation
    learned: bool = False
    """The predictor was chosen or fitted on what was not left out."""


def validate(cube: Cube, levels: Levels, chosen: Weights) -> tuple[Held, ...] | Status:
    """Leave one benchmark out, then one method; `levels` has the benchmarks as strata.

    Left out is what the predictor may not learn from. Weights of the user or of the study are not learned
    from this table, so for them nothing changes between the two.
    """
    if np.isnan(cube.distance).all():
        return Status.MISSING_ORACLE
    if len(cube.methods) < FEWEST:
        return Status.TOO_FEW
    return (*_without_benchmark(cube, levels, chosen), *_without_method(cube, levels, chosen))


def _without_benchmark(cube: Cube, levels: Levels, chosen: Weights) -> list[Held]:
    count = len(cube.benchmarks)
    rho = reliabilities(levels.values, cube.distance)
    training = [np.delete(rho, b, axis=0) for b in range(count)]
    learned = np.stack([learn(one, len(cube.methods)).weights for one in training])
    best = np.full(cube.distance.shape, np.nan)
    for b, one in enumerate(training):
        if (k := _best_metric(one)) is not None:
            best[b] = levels.values[b, :, k]
    identity = np.stack([_identity(np.delete(cube.distance, b, axis=0)) for b in range(count)])
    learned_scores = levels.scores(learned) if count > 1 else np.full(cube.distance.shape, np.nan)
    found = [
        _held("benchmark", "held-out weights", "uqs", learned_scores, cube, learned=True),
        *_fixed("benchmark", cube, levels, chosen),
        _held("benchmark", "best single metric in training", "metric", best, cube, learned=True),
        _held("benchmark", "method identity", "sentinel", identity, cube, learned=True),
    ]
    return [*found, *_singles("benchmark", cube, levels)]


def _without_method(cube: Cube, levels: Levels, chosen: Weights) -> list[Held]:
    scores = np.full(cube.distance.shape, np.nan)
    best = np.full(cube.distance.shape, np.nan)
    if len(cube.methods) > FEWEST:
        for m in range(len(cube.methods)):
            rho = reliabilities(
                np.delete(levels.values, m, axis=1), np.delete(cube.distance, m, axis=1)
            )
            scores[:, m] = levels.scores(learn(rho, len(cube.methods) - 1).weights)[:, m]
            if (k := _best_metric(rho)) is not None:
                best[:, m] = levels.values[:, m, k]
    return [
        _held("method", "held-out weights", "uqs", scores, cube, learned=True),
        *_fixed("method", cube, levels, chosen),
        _held("method", "best single metric in training", "metric", best, cube, learned=True),
        *_singles("method", cube, levels),
    ]


def _fixed(scheme: Scheme, cube: Cube, levels: Levels, chosen: Weights) -> list[Held]:
    even = levels.scores(np.ones(len(cube.metrics)))
    mean = np.broadcast_to(even.mean(axis=1, keepdims=True), even.shape)
    found = [
        _held(scheme, "equal weights", "uqs", even, cube),
        _held(scheme, "benchmark mean", "sentinel", mean, cube),
    ]
    knows_left_out = scheme == "method" and len(chosen.matrix) > 1
    if chosen.source not in ("equal", "held-out") and not knows_left_out:
        scores = levels.scores(chosen.matrix)
        found.insert(1, _held(scheme, f"weights: {chosen.source}", "uqs", scores, cube))
    return found


def _singles(scheme: Scheme, cube: Cube, levels: Levels) -> list[Held]:
    return [
        _held(scheme, f"{metric} alone", "metric", levels.values[:, :, k], cube)
        for k, metric in enumerate(cube.metrics)
    ]


def _best_metric(rho: FloatArray) -> int | None:
    """The metric with the highest mean rho over `(B, K)` training benchmarks; the first of equals."""
    defined = (~np.isnan(rho)).sum(axis=0)
    if not defined.any():
        return None
    means = np.where(np.isnan(rho), 0.0, rho).sum(axis=0) / np.maximum(defined, 1)
    return int(np.argmax(np.round(np.where(defined > 0, means, -np.inf), 12)))


def _identity(distance: FloatArray) -> FloatArray:
    """`(M,)`: how near the oracle each method came on other benchmarks, `(B, M)`, by mean rank; no metric."""
    known = distance[~np.isnan(distance).any(axis=1)]
    if not len(known):
        return np.full(distance.shape[1], np.nan)
    return np.asarray(-rankdata(np.round(known, 12), axis=1).mean(axis=0))


def _held(
    scheme: Scheme,
    predictor: str,
    kind: Kind,
    scores: FloatArray,
    cube: Cube,
    *,
    learned: bool = False,
) -> Held:
    target = -np.round(cube.distance, 12)
    scores = np.round(scores, 12)
    rhos = [spearman(*pair) for pair in zip(scores, target, strict=True)]
    values = [rho.value for rho in rhos if rho.value is not None and rho.n >= FEWEST]
    few = Status.TOO_FEW if any(rho.n < FEWEST for rho in rhos) else Status.CONSTANT
    within = Correlation(
        value=float(np.mean(values)) if values else None,
        defined=len(values),
        groups=len(rhos),
        status=Status.OK if values else few,
    )
    whole = spearman(scores.ravel(), target.ravel())
    usable = whole.n >= FEWEST
    pooled = Correlation(
        value=whole.value if usable else None,
        defined=int((~np.isnan(scores)).any(axis=1).sum()),
        groups=len(rhos),
        status=Status(whole.status) if usable else Status.TOO_FEW,
    )
    return Held(scheme, predictor, kind, within, pooled, learned)
