"""Which ranks the noise allows: simultaneous confidence sets for ranks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
DECIMALS = 12
"""Estimates that agree to so many decimals are equal: sums may differ in the last bits."""


@dataclass(frozen=True)
class RankSets:
    """Ranks `low[i]..high[i]` (1 is the highest estimate) hold all true ranks at once at `level`.

    `above[i, j]`: unit i is above unit j beyond the noise. `critical` is the studentised difference needed.
    """

    low: IntArray
    high: IntArray
    above: NDArray[np.bool_]
    critical: float
    level: float


def ranks(estimates: FloatArray) -> IntArray:
    """Rank 1 for the highest along the last axis; equal estimates share the best of their ranks."""
    rounded = np.round(estimates, DECIMALS)
    ordered = np.sort(rounded, axis=-1)
    if rounded.ndim == 1:
        return rounded.size - np.searchsorted(ordered, rounded, side="right") + 1
    better = [rounded[..., [j]] < rounded for j in range(rounded.shape[-1])]
    return np.stack([1 + one.sum(axis=-1) for one in better], axis=-1).astype(np.int64)


def rank_sets(
    estimates: FloatArray,
    variances: FloatArray,
    freedom: FloatArray,
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    draws: int = 10_000,
) -> RankSets:
    """Simultaneous rank confidence sets from all pairwise differences.

    `estimates` is `(units,)`. The variance of a unit's estimate is the sum over its independent cells of
    `variances` `(units, cells)`, each itself estimated with `freedom` `(units, cells)` degrees of freedom
    (inf: known). An infinite variance is one that was not measured; that unit is told from no other.

    The sets are those of Mogstad, Romano, Shaikh and Wilhelm (2024, Review of Economic Studies 91): i is
    above j where their studentised difference passes one critical value for all pairs. Their bootstrap needs
    many observations a cell; here cells hold a few runs, so the critical value comes from a parametric
    bootstrap that draws the means and the variances (Krishnamoorthy, Lu and Mathew 2007). Takes
    O(draws * units^2) time and O(draws * units) memory.
    """
    order = np.lexsort((*np.sort(variances, axis=1).T, np.round(estimates, DECIMALS)))
    critical = _critical(variances[order], freedom[order], rng, level, draws)
    total = variances.sum(axis=1)
    error = np.sqrt(total[:, None] + total[None, :])
    difference = np.round(estimates[:, None] - estimates[None, :], DECIMALS)
    with np.errstate(invalid="ignore"):
        above = (difference > 0) & (difference > critical * error)
    low = 1 + above.sum(axis=0)
    high = len(estimates) - above.sum(axis=1)
    return RankSets(low, high, above, critical, level)


def _critical(
    variances: FloatArray,
    freedom: FloatArray,
    rng: np.random.Generator,
    level: float,
    draws: int,
) -> float:
    """The `level` quantile of the largest studentised pairwise difference when all units are equal."""
    measured = np.isfinite(variances).all(axis=1)
    variances, freedom = variances[measured], freedom[measured]
    known = np.isinf(freedom)
    finite = np.where(known, 1.0, freedom)
    means = rng.standard_normal((draws, len(variances))) * np.sqrt(variances.sum(axis=1))
    estimated = np.zeros_like(means)
    for cell in range(variances.shape[1]):
        chi = rng.chisquare(finite[:, cell], size=means.shape) / finite[:, cell]
        estimated += variances[:, cell] * np.where(known[:, cell], 1.0, chi)
    largest = np.zeros(draws)
    for j in range(1, len(variances)):
        scale = np.sqrt(estimated[:, :j] + estimated[:, [j]])
        gap = np.abs(means[:, :j] - means[:, [j]])
        ratio = np.divide(gap, scale, out=np.zeros_like(gap), where=scale > 0)
        np.maximum(largest, ratio.max(axis=1), out=largest)
    return float(np.quantile(largest, level))


def tie_groups(estimates: FloatArray, above: NDArray[np.bool_]) -> IntArray:
    """Group numbers `(units,)` from 1, in which no two units are told apart.

    A group is anchored at the best of the units left, and takes, from the best down, each unit that is told
    neither from that one nor from a member. `above` `(units, units)` is that of rank sets. Where all
    estimates have one error, a group is all that cannot be told from its best; where errors differ, a best
    unit with a large error would also bring together others that are told from each other.
    """
    told = above | above.T
    # of equal estimates the one with the smallest error, which is told from most, is the best
    left = np.lexsort((-told.sum(axis=1), -np.round(estimates, DECIMALS))).tolist()
    groups = np.zeros(len(estimates), dtype=np.int64)
    group = 0
    while left:
        group += 1
        members: list[int] = []
        for unit in left:
            if not told[unit, members].any():
                members.append(unit)
        groups[members] = group
        left = [unit for unit in left if not groups[unit]]
    return groups
