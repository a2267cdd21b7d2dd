"""Is a model told from one more oracle? K oracles show how much one more would differ from them.

If a test does not tell a model apart, the model need not be like an oracle: few oracles tell little apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from uqs.stats.dunnett import dunnett_p
from uqs.stats.spread import Spread

FloatArray = NDArray[np.float64]
FEWEST = 3
"""Fewer oracles cannot tell a model from one more: of distances no spread is known, of values hardly any."""
TIE = 1e-12
"""Values nearer to each other than this share of the largest are equal."""


@dataclass(frozen=True)
class Sample:
    """Models `(M,)` and oracles `(K,)` on one scale, on which one more oracle would lie among the oracles.

    `spread` is the variance between oracles. `by_rank` `(M,)` is the share of the K oracles and the model
    that lie at least as far out as the model: a p value without any assumption on the distribution, never
    under 1 / (K + 1). `two_sided`: a model may lie on either side of the oracles; by distance only
    beyond them.
    """

    models: FloatArray
    oracles: FloatArray
    spread: Spread
    by_rank: FloatArray
    two_sided: bool


@dataclass(frozen=True)
class Tested:
    """Per model `(M,)`: Student's `statistic`, its `p`, and `p_adjusted` for all models of the family."""

    statistic: FloatArray
    p: FloatArray
    p_adjusted: FloatArray
    freedom: int


def of_values(models: FloatArray, oracles: FloatArray, step: float = 0.0) -> Sample:
    """The own values of M models and of K oracles.

    `step` is the smallest difference that two values can have: the spread is taken to be at least half a
    step, because rounded values that agree do not prove that there is none. ValueError under FEWEST oracles.
    """
    count = _enough(len(oracles))
    variance = max(_variance(oracles), step**2 / 4)
    every = np.concatenate(
        [models[:, None], np.broadcast_to(oracles, (len(models), count))], axis=1
    )
    out = np.abs(every - every.mean(axis=1, keepdims=True))
    return Sample(models, oracles, Spread(variance, count - 1), _by_rank(out), True)


def of_distances(models: FloatArray, between: FloatArray, *, log: bool = False) -> Sample:
    """The mean distance of each model to the oracles, and how far out each oracle is among the others.

    `models` `(M, K)`: d(model, oracle); `between` `(K, K)`: d(oracle, oracle), whose diagonal does not count.
    `log`: of the logarithms of all distances, which must be above 0. A distance is read as a sum of one part
    for each end (and noise), so that a model's mean distance has the spread of the first end's part
    (`first_ends`). The ranks take distances to be the same both ways. ValueError under FEWEST oracles.
    """
    count = _enough(len(between))
    between = np.where(np.eye(count, dtype=bool), 1.0, between)
    if log:
        models, between = np.log(models), np.log(between)
    np.fill_diagonal(between, 0.0)
    away, apart = models.mean(axis=1), first_ends(between)
    out = np.concatenate([away[:, None], (between.sum(axis=1) + models) / count], axis=1)
    return Sample(away, apart, Spread(_variance(apart), count - 1), _by_rank(out), False)


def first_ends(between: FloatArray) -> FloatArray:
    """For each of K > 2 oracles its mean distance to one more, `(K,)`, from `(K, K)` with a diagonal of 0.

    If d(i, j) = a_i + b_j, exactly a_k + the mean of all b, though no oracle has a distance to itself: the
    actor effects of a round robin (Warner, Kenny and Stoto 1979). Where distances are the same both ways
    these are the mean distances to the others, spread by (K - 1) / (K - 2), because means that share pairs
    scatter less.
    """
    count = len(between)
    rows, columns = (between.sum(axis=axis) / (count - 1) for axis in (1, 0))
    mean = float(rows.mean())
    own = (count - 1) * ((count - 1) * rows + columns) / (count * (count - 2))
    return np.asarray(own - (count - 1) / (count - 2) * mean + mean, dtype=np.float64)


def complete(between: FloatArray) -> tuple[FloatArray, NDArray[np.intp]]:
    """The oracles `(K,)` between all of which a distance is known, and their distances `(K, K)`.

    NaN is unknown. A distance that is known one way only counts for both; the oracle that lacks the most is
    left out first, of those that lack as many the last.
    """
    both = np.where(np.isnan(between), between.T, between)
    kept = np.arange(len(both))
    while len(kept):
        lacking = np.isnan(both[np.ix_(kept, kept)]) & ~np.eye(len(kept), dtype=bool)
        missing = lacking.sum(axis=1)
        if not missing.any():
            break
        kept = np.delete(kept, np.flatnonzero(missing == missing.max())[-1])
    return both[np.ix_(kept, kept)], kept


def students_t(
    sample: Sample, spread: Spread | None = None, family: int | None = None
) -> Tested | None:
    """Student's t of each model as one more oracle; None if the spread is 0.

    `spread` replaces the sample's own (pooled with that of a ladder). `family` is the number of models for
    which `p_adjusted` holds together (Dunnett); by default all of the sample.
    """
    used = spread or sample.spread
    if used.variance <= 0:
        return None
    count = len(sample.oracles)
    error = sqrt(used.variance * (1 + 1 / count))
    statistic = (sample.models - sample.oracles.mean()) / error
    p, adjusted = (
        dunnett_p(statistic, size, count, used.freedom, two_sided=sample.two_sided)
        for size in (1, max(1, len(statistic) if family is None else family))
    )
    return Tested(statistic, p, adjusted, used.freedom)


def _enough(oracles: int) -> int:
    if oracles < FEWEST:
        raise ValueError(f"{oracles} oracles tell nothing from one more; {FEWEST} are needed")
    return oracles


def _variance(values: FloatArray) -> float:
    """The sample variance; 0 for values that differ by rounding alone."""
    same = np.ptp(values) <= TIE * np.abs(values).max()
    return 0.0 if same else float(values.var(ddof=1))


def _by_rank(out: FloatArray) -> FloatArray:
    """Per row the share of entries that are at least the first."""
    tie = TIE * np.abs(out).max(axis=1, keepdims=True)
    return np.asarray((out >= out[:, :1] - tie).mean(axis=1), dtype=np.float64)
