"""Compares two metrics: which follows the oracle better?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from uqs.audit.groups import Group
from uqs.results.panel import FloatArray
from uqs.stats.permutation import IntArray

WORK = 50_000_000
"""The largest number of scores ranked for all comparisons of a table."""
LEAST = 999


@dataclass(frozen=True)
class Comparison:
    """Difference of two metrics' stratified rho with a target, over the `groups` where all are defined.

    `difference` is rho(a) - rho(b); `p` is two-sided; None if undefined, or for the given `reason`.
    """

    a: str
    b: str
    target: str
    difference: float | None
    p: float | None
    groups: int
    reason: str | None = None


def compare(
    a: str,
    b: str,
    target: str,
    group: Group,
    resamples: int,
    rng: np.random.Generator,
    work: int = WORK,
) -> Comparison:
    """PERM-BOTH: swap the two metrics' standardised scores (Deutsch, Dror, Roth 2021) of whole methods.

    `group` has a and b in x and the target in y. Scores are standardised within the benchmark. A method's
    scores are swapped on all benchmarks together, with all seeds and strengths, because its effect persists:
    swapped cell by cell, the test would reject up to 30% of true nulls. All swaps if they are at most as many
    as the resamples, else random swaps with p = (1 + count) / (1 + resamples). At most `work` scores are
    ranked; p is None if that leaves fewer than LEAST resamples.
    """
    first, second = group.x[group.names_x.index(a)], group.x[group.names_x.index(b)]
    gold = group.y[group.names_y.index(target)]
    strata = [
        rows for rows in group.strata if all(np.ptp(v[rows]) > 0 for v in (first, second, gold))
    ]
    if not strata:
        return Comparison(a, b, target, None, None, 0, "not both defined on any benchmark")
    cells = [group.methods[rows] for rows in strata]
    count = int(group.methods.max()) + 1
    affordable = work // (2 * sum(map(len, strata)))
    exact = 2**count <= min(max(resamples, 2**12), affordable)
    if not exact and affordable < LEAST:
        return Comparison(a, b, target, None, None, len(strata), "too many rows for the work limit")
    swaps = _all_swaps(count) if exact else _drawn_swaps(count, min(resamples, affordable), rng)
    differences = np.zeros(len(swaps))
    for rows, cell in zip(strata, cells, strict=True):
        scores = [_standardised(v[rows]) for v in (first, second)]
        swapped = swaps[:, cell]
        ranks = rankdata(gold[rows])
        rho = [
            _rho(np.where(swapped, other, own), ranks) for own, other in (scores, reversed(scores))
        ]
        differences += (rho[0] - rho[1]) / len(strata)
    distance = np.abs(differences)
    p = float(np.mean(distance >= distance[0] - 1e-9))
    return Comparison(a, b, target, float(differences[0]), p, len(strata))


def _all_swaps(count: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    return np.asarray((np.arange(2**count)[:, None] >> np.arange(count)) & 1, dtype=np.bool_)


def _drawn_swaps(
    count: int, resamples: int, rng: np.random.Generator
) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    drawn = rng.random((resamples + 1, count)) < 0.5
    drawn[0] = False
    return drawn


def _standardised(values: FloatArray) -> FloatArray:
    return np.asarray((values - values.mean()) / values.std(), dtype=np.float64)


def _rho(scores: FloatArray, gold: FloatArray) -> FloatArray:
    """Spearman's rho of every row of scores with the gold ranks; 0 if the scores all tie."""
    ranks = rankdata(scores, axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    centred = gold - gold.mean()
    norm = np.sqrt((ranks**2).sum(axis=1) * (centred**2).sum())
    norm[norm == 0] = 1
    return np.asarray(ranks @ centred / norm, dtype=np.float64)


def soft_pairwise_accuracy(x: FloatArray, y: FloatArray, methods: IntArray) -> float | None:
    """Agreement of two variables on how surely one method beats another (Thompson et al. 2024).

    Mean over pairs of methods of 1 - |p_x - p_y|, where p is the one-sided sign-flip p of the paired
    difference over seeds. `x`, `y` and `methods` are `(rows,)` of one benchmark, with the rows of a method in
    seed order. None if there are fewer than two methods, if methods differ in their number of seeds, or if
    they have only one seed (no p).
    """
    names, sizes = np.unique(methods, return_counts=True)
    if len(names) < 2 or len(set(sizes)) > 1 or not 2 <= sizes[0] <= 12:
        return None
    order = np.argsort(methods, kind="stable")
    chances = [_chance(variable[order].reshape(len(names), -1)) for variable in (x, y)]
    i, j = np.triu_indices(len(names), 1)
    return float(1 - np.mean(np.abs(chances[0] - chances[1])[i, j]))


def _chance(scores: FloatArray) -> FloatArray:
    """One-sided mid-p `(M, M)` that the row method beats the column method, from scores `(M, seeds)`.

    Half of the ties count, so that p of (i, j) is 1 - p of (j, i), whatever the methods are called.
    """
    seeds = scores.shape[1]
    flips = 1 - 2 * _all_swaps(seeds).astype(np.float64)
    difference = scores[:, None, :] - scores[None, :, :]
    flipped = difference @ flips.T
    observed = difference.sum(axis=2)[:, :, None]
    tiny = 1e-9 * np.abs(difference).sum(axis=2)[:, :, None]
    above, same = flipped > observed + tiny, np.abs(flipped - observed) <= tiny
    return np.asarray((above + same / 2).mean(axis=2), dtype=np.float64)
