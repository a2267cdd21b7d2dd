"""Rank sets as the score had them before: the noise of each method by itself, nothing paired."""

from __future__ import annotations

import numpy as np

from uqs.stats.ranksets import DECIMALS, FloatArray, RankSets


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
