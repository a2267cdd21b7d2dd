"""Weights learned on other benchmarks than the one that is scored: by the oracle, or by references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from math import factorial

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from uqs.errors import UserError
from uqs.results.panel import without_strength
from uqs.score.calibration import UTILITY, Calibration
from uqs.score.cube import TARGET, Cube
from uqs.score.weights import Weights, normalised
from uqs.stats.coefficients import spearman

FloatArray = NDArray[np.float64]
FEWEST = 3
"""With fewer methods a rank correlation says nothing: with two it can only be 1 or -1."""
ARRANGEMENTS = 999
"""Arrangements drawn where there are more than MOST_EXACT."""
MOST_EXACT = 5040
CHANCE = 0.95
SMALLEST_ERROR = 0.05
"""Errors below this share of the forget entities are not told apart by a ladder of a few rungs."""


def reliabilities(levels: FloatArray, distance: FloatArray) -> FloatArray:
    """`(B, K)` Spearman's rho over methods, between each term and minus the oracle distance.

    `levels` is `(B, M, K)`, `distance` `(B, M)`; NaN if rho is undefined (constant, missing, or fewer than
    three methods). A method is one observation, whatever its number of runs.
    """
    found = np.full((levels.shape[0], levels.shape[2]), np.nan)
    for b, k in np.ndindex(*found.shape):
        rho = spearman(np.round(levels[b, :, k], 12), -np.round(distance[b], 12))
        if rho.value is not None and rho.n >= FEWEST:
            found[b, k] = rho.value
    return found


@dataclass(frozen=True)
class LearnedWeights:
    """Weights `(K,)` and the share of them that is learned instead of equal."""

    weights: FloatArray
    share: float


def learn(
    levels: FloatArray,
    distance: FloatArray,
    rng: np.random.Generator,
    names: Sequence[str] | None = None,
) -> LearnedWeights:
    """Weights from training benchmarks, `levels` `(B, M, K)` and `distance` `(B, M)`, shrunk toward equal.

    A metric's reliability r is the mean of its rho over the benchmarks where rho is defined. A method that is
    good on one benchmark is good on the next, so the null hypothesis exchanges whole methods: one permutation
    of the distances for all benchmarks, and for all strengths of a method by `names` `(M,)`. `share` = max(0,
    1 - q / sum r^2), where q is what sum r^2 exceeds in one such arrangement of twenty. So without any
    relation all weights are equal in 95% of tables.
    weights = (1 - share) * equal + share * max(r, 0) / sum max(r, 0). A metric without any defined rho keeps
    its equal share. If no metric has r > 0, all weights are equal.
    """
    size = levels.shape[2]
    even = np.full(size, 1 / size)
    rho = reliabilities(levels, distance)
    known = (~np.isnan(rho)).any(axis=0)
    if not known.any():
        return LearnedWeights(even, 0.0)
    r = np.nanmean(rho[:, known], axis=0)
    positive = np.maximum(r, 0)
    if not positive.sum() > 0:
        return LearnedWeights(even, 0.0)
    found = float((r**2).sum())
    settings = [str(m) for m in range(levels.shape[1])] if names is None else list(names)
    chance = _by_chance(levels[:, :, known], distance, rho[:, known], settings, rng)
    share = 1 - chance / found if found > chance + 1e-9 else 0.0
    weights = even.copy()
    weights[known] = (1 - share) * even[known] + share * positive / positive.sum() * known.mean()
    return LearnedWeights(weights, share)


def _by_chance(
    levels: FloatArray,
    distance: FloatArray,
    rho: FloatArray,
    names: Sequence[str],
    rng: np.random.Generator,
) -> float:
    """The sum of squared mean rhos that one arrangement of methods in twenty exceeds."""
    # the draws must not depend on how the methods are named or sorted
    order = np.lexsort(np.vstack([np.round(levels, 12).sum(axis=2), np.round(distance, 12)]))
    arranged = _arrangements([names[m] for m in order], rng)
    total = np.zeros((len(arranged), levels.shape[2]))
    for b in range(len(levels)):
        nearness, terms = -np.round(distance[b, order], 12), np.round(levels[b, order], 12)
        for k in np.flatnonzero(~np.isnan(rho[b])):
            total[:, k] += _rhos(terms[:, k], nearness, arranged)
    means = total / (~np.isnan(rho)).sum(axis=0)
    return float(np.quantile((means**2).sum(axis=1), CHANCE, method="higher"))


def _rhos(term: FloatArray, nearness: FloatArray, arranged: NDArray[np.int64]) -> FloatArray:
    """Spearman's rho of a term `(M,)` with each arrangement of `nearness` `(M,)`; 0 where it is undefined.

    Where values are missing, those of the methods that have both are exchanged.
    """
    known = ~np.isnan(term + nearness)
    middle = (known.sum() + 1) / 2
    first, second = np.zeros(len(term)), np.zeros(len(term))
    first[known] = rankdata(term[known]) - middle
    second[known] = rankdata(nearness[known]) - middle
    scale = np.sqrt((first**2).sum() * (second**2).sum())
    if not scale > 0:
        return np.zeros(len(arranged))
    if not known.all():
        # each arrangement's own order of the known ones
        own = np.argsort(np.argsort(arranged[:, known], axis=1), axis=1)
        return np.asarray(second[known][own] @ first[known] / scale)
    return np.asarray(second[arranged] @ first / scale)


def _arrangements(names: Sequence[str], rng: np.random.Generator) -> NDArray[np.int64]:
    """Every arrangement of a few methods, or draws of many, as `(P, M)` of settings.

    A setting moves with its method, to the same strength of another one; so only methods with the same
    strengths are exchanged.
    """
    held: dict[str, dict[str, int]] = {}
    for at, name in enumerate(names):
        method = without_strength(name)
        held.setdefault(method, {})[name[len(method) :]] = at
    classes: dict[tuple[str, ...], list[NDArray[np.int64]]] = {}
    for places in held.values():
        strengths = tuple(sorted(places))
        classes.setdefault(strengths, []).append(np.array([places[one] for one in strengths]))
    blocks = [np.stack(one) for one in classes.values()]
    if len(blocks) == 1 and factorial(len(blocks[0])) <= MOST_EXACT:
        orders = [np.array(list(permutations(range(len(blocks[0])))))]
    else:
        orders = [_draws(len(block), rng) for block in blocks]
    found = np.empty((len(orders[0]), len(names)), dtype=np.int64)
    for block, drawn in zip(blocks, orders, strict=True):
        found[:, block.ravel()] = block[drawn].reshape(len(drawn), -1)
    return found


def _draws(count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    drawn = rng.permuted(np.tile(np.arange(count), (ARRANGEMENTS, 1)), axis=1)
    return np.asarray(np.vstack([np.arange(count), drawn]), dtype=np.int64)


def held_out(cube: Cube, levels: FloatArray, rng: np.random.Generator) -> Weights:
    """For each benchmark, weights learned from the other benchmarks only; `levels` is `(B, M, K)`."""
    if len(cube.benchmarks) < 2:
        raise UserError("held-out weights need at least two benchmarks: one to learn, one to score")
    if np.isnan(cube.distance).all():
        raise UserError(f"held-out weights need the column {TARGET}")
    if len(cube.methods) < FEWEST:
        raise UserError(f"held-out weights need at least {FEWEST} methods")
    rows = [
        learn(np.delete(levels, b, axis=0), np.delete(cube.distance, b, axis=0), rng, cube.methods)
        for b in range(len(cube.benchmarks))
    ]
    return Weights(
        "held-out",
        cube.metrics,
        np.stack([row.weights for row in rows]),
        np.array([row.share for row in rows]),
    )


def by_references(cube: Cube, ladders: Calibration) -> Weights:
    """For each benchmark, weights from the errors of metrics on the ladders of the other benchmarks.

    A metric's squared error is the mean of two: that on the ladder, left-out seeds (in share units, at least
    SMALLEST_ERROR, that of the best constant where it has none), and the mean over suppressed and damaged
    models, if there are any, of (true - known share)^2. So a metric that misses what a suppressed model hides
    (blind), or takes a damaged model for one that forgot (fooled), weighs little. A metric of what is known
    weighs in proportion to 1 / squared error; RA, which is not about the forget set, keeps its equal share.
    """
    if sum(name in ladders.ladders for name in cube.benchmarks) < 2:
        raise UserError(
            "weights by references need references on at least two benchmarks: one to learn, one to score"
        )
    rows = []
    for benchmark in cube.benchmarks:
        others = [name for name in cube.benchmarks if name != benchmark and name in ladders.ladders]
        errors = np.array(
            [
                np.mean([_squared_error(ladders, name, metric) for name in others])
                for metric in cube.metrics
            ]
        )
        knowing = np.array([metric != UTILITY for metric in cube.metrics])
        row = np.full(len(cube.metrics), 1 / len(cube.metrics))
        inverse = 1 / errors[knowing]
        row[knowing] = knowing.mean() * inverse / inverse.sum()
        rows.append(row)
    return Weights("references", cube.metrics, normalised(np.stack(rows)))


def _squared_error(ladders: Calibration, benchmark: str, metric: str) -> float:
    card = ladders.ladders[benchmark].cards.get(metric)
    if card is None or card.response is None:
        return 1.0
    error = max(card.chance if card.error is None else card.error, SMALLEST_ERROR)
    beside = [
        (one.truth - min(max(one.share.position, 0.0), 1.0)) ** 2
        for one in (*card.suppressed, *card.damaged)
    ]
    return float(np.mean([error**2, np.mean(beside)])) if beside else error**2
