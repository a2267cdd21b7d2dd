"""Does a metric tell methods apart? Variance components of methods x seeds x oracles.

All methods are held against the same oracles, by the same seeds and on the same items. What moves all methods
alike is therefore no error of a comparison; only what moves them differently is: the interactions of the
method with the seed and with the oracle. The model is y = M + S + O + MS + MO + SO + e, all random.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from uqs.stats.coefficients import tau_b
from uqs.stats.noise import SAME, smallest_step
from uqs.stats.studentised import studentised_range

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]
ENOUGH = 0.9
"""The generalisability for which the needed seeds and oracles are computed."""
BLOCK = 200_000
"""Pairs of methods compared at once."""


@dataclass(frozen=True)
class MeanSquares:
    """Mean squares of the methods and of their interactions, None where the design lacks the axis.

    `own` `(M,)` is each method's part of the error, its mean over methods being the unclipped error.
    """

    method: float
    seed: float | None
    oracle: float | None
    residual: float | None
    error: float
    """Estimates var_e + K var_MS + S var_MO: S K times the squared error of a method's mean."""
    freedom: float
    own: FloatArray


@dataclass(frozen=True)
class Components:
    """Variances of one value; `method_oracle` and `residual` are 0 where the design cannot show them."""

    method: float
    method_seed: float
    method_oracle: float
    residual: float


@dataclass(frozen=True)
class Resolution:
    """What M methods by S seeds by K oracles show of the methods' order.

    `means` and `errors` `(M,)` are each method's mean and its standard error: the pooled one, or the method's
    own where that is larger, so that a method whose runs scatter is not taken for as steady as the others.
    `critical` is the studentised range at the level; two methods are told apart where their means differ by
    more than `critical` times the root mean square of their errors (Tukey and Kramer), which is at least
    `critical_difference`. `separated` is the share of pairs told apart.

    `g` is the share of the variance of the means that is the methods' own (generalisability), `g_ranks` the
    same of ranks. `tau_seeds` is the mean tau-b of one seed against the others, `tau_oracles` of one oracle
    against the others. `variance_ratio` is the largest of the methods' own errors over the median one.
    `seeds_needed` reach a `g` of ENOUGH with the table's oracles, `oracles_needed` with its seeds;
    None where no number does.
    """

    seeds: int
    oracles: int
    means: FloatArray
    errors: FloatArray
    components: Components
    error: float
    freedom: float
    critical: float
    critical_difference: float
    separated: float
    g: float
    g_ranks: float
    tau_seeds: float | None
    tau_oracles: float | None
    variance_ratio: float | None
    seeds_needed: int | None
    oracles_needed: int | None

    def above(self) -> BoolArray:
        """`(M, M)`: whether the mean of i is above that of j beyond the noise."""
        return np.concatenate(list(_above(self.means, self.errors, self.critical)))


def complete_part(known: BoolArray) -> tuple[IntArray, IntArray, IntArray]:
    """Methods, seeds and oracles whose every value is `known` `(M, S, K)`.

    What lacks the largest share of its values goes first: all methods that lack as much together, of seeds or
    oracles the last one.
    """
    kept = [np.arange(size) for size in known.shape]
    while True:
        part = known[np.ix_(*kept)]
        if part.all():
            return kept[0], kept[1], kept[2]
        lacking = [
            1 - part.mean(axis=tuple(other for other in range(3) if other != axis))
            for axis in range(3)
        ]
        axis = max(range(3), key=lambda one: float(lacking[one].max()))
        worst = np.flatnonzero(lacking[axis] >= lacking[axis].max() - SAME)
        kept[axis] = np.delete(kept[axis], worst if axis == 0 else worst[-1:])


def mean_squares(values: FloatArray) -> MeanSquares:
    """The analysis of variance of `(M, S, K)` values, M > 1 and S > 1 or K > 1.

    E = MS_MS + MS_MO - MS_e, at least the larger of the first two, with Satterthwaite's degrees of freedom.
    """
    methods, seeds, oracles = values.shape
    centred = values - values.mean(axis=0)
    effect = centred.mean(axis=(1, 2))
    by_seed = centred.mean(axis=2) - effect[:, None]
    by_oracle = centred.mean(axis=1) - effect[:, None]
    rest = centred - effect[:, None, None] - by_seed[:, :, None] - by_oracle[:, None, :]
    spread = float((effect**2).sum()) * seeds * oracles / (methods - 1)
    share = methods / (methods - 1)
    own_seed = oracles * (by_seed**2).sum(axis=1) / max(seeds - 1, 1) * share
    own_oracle = seeds * (by_oracle**2).sum(axis=1) / max(oracles - 1, 1) * share
    if seeds == 1 or oracles == 1:
        own, levels = (own_seed, seeds) if seeds > 1 else (own_oracle, oracles)
        error = float(own.mean())
        seed, oracle = (error, None) if seeds > 1 else (None, error)
        return MeanSquares(spread, seed, oracle, None, error, (methods - 1) * (levels - 1), own)
    own_rest = (rest**2).sum(axis=(1, 2)) / ((seeds - 1) * (oracles - 1)) * share
    parts = float(own_seed.mean()), float(own_oracle.mean()), float(own_rest.mean())
    error, freedom = _error(*parts, methods - 1, seeds - 1, oracles - 1)
    own = np.maximum(own_seed + own_oracle - own_rest, 0)
    return MeanSquares(spread, *parts, error, freedom, own)


def _error(
    seed: float, oracle: float, residual: float, m: int, s: int, k: int
) -> tuple[float, float]:
    """E and its degrees of freedom from the interactions' mean squares and the main effects' degrees."""
    error, larger = seed + oracle - residual, max(seed, oracle)
    if error <= larger:
        return larger, float(m * s if seed >= oracle else m * k)
    spread = seed**2 / (m * s) + oracle**2 / (m * k) + residual**2 / (m * s * k)
    return error, max(1.0, error**2 / spread)


def resolve(values: FloatArray, level: float = 0.95) -> Resolution | None:
    """What complete values `(M, S, K)` show of M > 1 methods; None where all values are equal.

    `level` is the probability that, of methods that do not differ, no two are told apart. ValueError
    without two methods or any repeat: then no error can be known.
    """
    methods, seeds, oracles = values.shape
    if methods < 2 or seeds * oracles < 2 or not np.isfinite(values).all():
        raise ValueError(f"no error can be known of {values.shape} values")
    step = smallest_step(values)
    if step is None:
        return None
    squares = mean_squares(values)
    # rounded values that agree hide an error of up to half a step
    error = max(squares.error, step**2 / 4)
    runs = seeds * oracles
    components = _components(squares, error, seeds, oracles)
    critical = studentised_range(level, methods, squares.freedom)
    means, errors = values.mean(axis=(1, 2)), np.sqrt(np.maximum(squares.own, error) / runs)
    ranks = mean_squares(np.asarray(rankdata(values, axis=0), dtype=np.float64))
    told = _told(means, errors, critical)
    middle = float(np.median(squares.own))
    return Resolution(
        seeds=seeds,
        oracles=oracles,
        means=means,
        errors=errors,
        components=components,
        error=error,
        freedom=squares.freedom,
        critical=critical,
        critical_difference=critical * float(np.sqrt(error / runs)),
        separated=told / (methods * (methods - 1) / 2),
        g=_generalisability(squares.method, error),
        g_ranks=_generalisability(ranks.method, ranks.error),
        tau_seeds=_halves(values.mean(axis=2)),
        tau_oracles=_halves(values.mean(axis=1)),
        variance_ratio=float(squares.own.max()) / middle if middle > 0 else None,
        seeds_needed=_needed(
            components.method,
            components.method_seed + components.residual / oracles,
            components.method_oracle / oracles,
        ),
        oracles_needed=_needed(
            components.method,
            components.method_oracle + components.residual / seeds,
            components.method_seed / seeds,
        )
        if oracles > 1
        else None,
    )


def _components(squares: MeanSquares, error: float, seeds: int, oracles: int) -> Components:
    """The variances, none below 0, from the expected mean squares."""
    method = max(0.0, (squares.method - error) / (seeds * oracles))
    if squares.seed is None:
        return Components(method, 0.0, error, 0.0)
    if squares.oracle is None or squares.residual is None:
        return Components(method, error, 0.0, 0.0)
    return Components(
        method,
        max(0.0, (squares.seed - squares.residual) / oracles),
        max(0.0, (squares.oracle - squares.residual) / seeds),
        squares.residual,
    )


def _generalisability(method: float, error: float) -> float:
    return max(0.0, 1 - error / method) if method > 0 else 0.0


def _needed(method: float, shrinking: float, fixed: float) -> int | None:
    """How many of what divides `shrinking` make method / (method + shrinking / n + fixed) ENOUGH."""
    room = method * (1 / ENOUGH - 1) - fixed
    return max(1, ceil(shrinking / room - SAME)) if room > 0 else None


def _halves(values: FloatArray) -> float | None:
    """Mean tau-b over columns of `(M, n)`, each against the mean of the others; None without two."""
    count = values.shape[1]
    if count < 2:
        return None
    total = values.sum(axis=1)
    taus = [tau_b(column, total - column).value for column in values.T]
    known = [tau for tau in taus if tau is not None]
    return float(np.mean(known)) if known else None


def _above(means: FloatArray, errors: FloatArray, critical: float) -> Iterator[BoolArray]:
    """Blocks of rows of the matrix that says whether i is above j beyond the noise."""
    noise = (critical * errors) ** 2 / 2
    step = max(1, BLOCK // len(means))
    for start in range(0, len(means), step):
        rows = slice(start, start + step)
        gap = means[rows, None] - means
        yield (gap > 0) & (gap * gap > noise[rows, None] + noise)


def _told(means: FloatArray, errors: FloatArray, critical: float) -> int:
    """The number of pairs told apart: of sorted means, only those below each are compared with it."""
    order = np.argsort(-means)
    means, noise = means[order], (critical * errors[order]) ** 2 / 2
    step = max(1, BLOCK // len(means))
    told = 0
    for start in range(0, len(means), step):
        rows = slice(start, start + step)
        gap = means[rows, None] - means[start:]
        np.maximum(gap, 0, out=gap)
        told += int(np.count_nonzero(gap * gap > noise[rows, None] + noise[start:]))
    return told
