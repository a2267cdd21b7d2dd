"""Agreement of many raters at once: concordance, clusters, mean ranks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import friedmanchisquare, rankdata

from uqs.stats.studentised import range_beyond, studentised_range

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Friedman:
    """Do the treatments differ over the blocks, and by how much must mean ranks differ (Nemenyi)?

    `mean_ranks` `(treatments,)`, 1 is best; `pairwise_p` `(treatments, treatments)`.
    """

    statistic: float
    p: float
    mean_ranks: FloatArray
    critical_difference: float
    pairwise_p: FloatArray
    blocks: int


@dataclass(frozen=True)
class Merge:
    """One step of a clustering: two groups of variables join at a distance."""

    left: tuple[int, ...]
    right: tuple[int, ...]
    distance: float


def kendall_w(scores: FloatArray) -> float | None:
    """Kendall's coefficient of concordance of scores `(raters, subjects)`, corrected for ties.

    None with fewer than two raters or two subjects, or a rater who ties everything (Kendall, Smith 1939).
    """
    raters, subjects = scores.shape
    if raters < 2 or subjects < 2 or (np.ptp(scores, axis=1) == 0).any():
        return None
    ranks = rankdata(scores, axis=1)
    spread = ((ranks.sum(axis=0) - ranks.sum() / subjects) ** 2).sum()
    ties = sum((np.unique(row, return_counts=True)[1] ** 3).sum() - subjects for row in ranks)
    return float(12 * spread / (raters**2 * (subjects**3 - subjects) - raters * ties))


def friedman(scores: FloatArray, level: float = 0.05) -> Friedman | None:
    """Friedman's test of scores `(blocks, treatments)`, higher is better, with Nemenyi's comparison.

    None with fewer than two blocks or three treatments, or where every block is constant (Demsar 2006).
    """
    blocks, treatments = scores.shape
    if blocks < 2 or treatments < 3 or not np.ptp(scores, axis=1).any():
        return None
    ranks = rankdata(-scores, axis=1).mean(axis=0)
    test = friedmanchisquare(*scores.T)
    error = np.sqrt(treatments * (treatments + 1) / (6 * blocks))
    distance = np.abs(np.subtract.outer(ranks, ranks)) / error * np.sqrt(2)
    return Friedman(
        statistic=float(test.statistic),
        p=float(test.pvalue),
        mean_ranks=ranks,
        critical_difference=studentised_range(1 - level, treatments, np.inf) / np.sqrt(2) * error,
        pairwise_p=range_beyond(distance, treatments),
        blocks=blocks,
    )


def average_linkage(distance: FloatArray) -> list[Merge]:
    """Agglomerative clustering of `(K, K)` distances by mean distance (Sokal, Michener 1958).

    Of equal distances, the pair that stands first joins first.
    """
    groups: list[tuple[int, ...]] = [(k,) for k in range(len(distance))]
    merges = []
    while len(groups) > 1:
        found = [
            (float(distance[np.ix_(a, b)].mean()), i, i + 1 + offset)
            for i, a in enumerate(groups)
            for offset, b in enumerate(groups[i + 1 :])
        ]
        nearest, i, j = min(found, key=lambda item: (round(item[0], 12), item[1], item[2]))
        merges.append(Merge(groups[i], groups[j], nearest))
        joined = tuple(sorted(groups[i] + groups[j]))
        groups = sorted([*groups[:i], *groups[i + 1 : j], *groups[j + 1 :], joined])
    return merges


def two_clusters(distance: FloatArray) -> NDArray[np.bool_]:
    """Average-linkage clustering of each of `(P, K, K)` distances, stopped at two groups.

    Returns `(P, K, K)`: whether two variables are in one group. Joins as `average_linkage` does.
    """
    count, size = distance.shape[:2]
    member = np.broadcast_to(np.eye(size, dtype=np.float64), distance.shape).copy()
    rows = np.arange(count)
    above = np.triu(np.ones((size, size), dtype=bool), 1)
    for _ in range(size - 2):
        sizes = member.sum(axis=2)
        alive = sizes > 0
        total = member @ distance @ np.swapaxes(member, 1, 2)
        pairs = sizes[:, :, None] * sizes[:, None, :]
        mean = np.divide(total, pairs, out=np.full_like(total, np.inf), where=pairs > 0)
        allowed = alive[:, :, None] & alive[:, None, :] & above
        mean = np.where(allowed, np.round(mean, 12), np.inf).reshape(count, -1)
        first, second = np.divmod(mean.argmin(axis=1), size)
        member[rows, first] += member[rows, second]
        member[rows, second] = 0
    return (np.swapaxes(member, 1, 2) @ member) > 0
