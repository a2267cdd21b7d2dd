"""How many factors explain the agreement of many variables: two, or one with signs?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from uqs.stats.coefficients import unit_ranks
from uqs.stats.permutation import CHUNK, IntArray, exchanges

FloatArray = NDArray[np.float64]
STEPS = 50
"""Iterations of the principal-axis estimate."""


def second_factor(
    scores: FloatArray,
    strata: Sequence[IntArray],
    methods: IntArray,
    places: IntArray,
    draws: int,
    rng: np.random.Generator,
) -> float | None:
    """p of the hypothesis that one factor explains how K variables agree; small p: there is a second one.

    `scores` `(K, rows)` without missing values; `strata` are the rows of each benchmark; `methods` and
    `places` as for `exchanges`. The statistic is the second largest eigenvalue of the variables' mean rank
    correlation matrix. Under the null a variable is its loading on one factor, of any sign, plus a part of
    its own. Tables are made again with the own part exchanged between whole methods, for each variable apart,
    so that what persists over benchmarks persists there too (parallel analysis, Horn 1965, for whole units).
    None if nothing can be exchanged or fewer than three variables vary.
    """
    ranks = np.concatenate([unit_ranks(scores[:, rows]) for rows in strata], axis=1)
    order = np.concatenate(list(strata))
    ranks = ranks[ranks.any(axis=1)]
    if len(ranks) < 3:
        return None
    sizes = np.cumsum([len(rows) for rows in strata])[:-1]
    donors = [exchanges(methods[order], places[order], draws, rng) for _ in ranks]
    if all((one.donors == one.donors[0]).all() for one in donors):
        return None
    common, own = _one_factor(ranks)
    rows = np.arange(ranks.shape[1])
    observed = _second(ranks[None], sizes)[0]
    step = max(1, CHUNK // ranks.size)
    count = 0
    for start in range(1, draws + 1, step):
        some = slice(start, start + step)
        moved = np.stack(
            [part[one.rows(some, rows)] for part, one in zip(own, donors, strict=True)], axis=1
        )
        count += int((_second(common + moved, sizes) >= observed - 1e-9).sum())
    return (1 + count) / (1 + draws)


def _one_factor(ranks: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The common part `(K, n)` of the variables by one factor, and their own parts.

    Loadings by principal axes; the factor by Bartlett's weights. The common part has the variance that the
    loadings say, and the own part what is left of each variable's.
    """
    matrix = ranks @ ranks.T
    matrix /= np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)))
    loading = np.zeros(len(matrix))
    shared = np.full(len(matrix), 0.5)
    for _ in range(STEPS):
        np.fill_diagonal(matrix, shared)
        values, vectors = np.linalg.eigh(matrix)
        loading = vectors[:, -1] * np.sqrt(max(values[-1], 0.0))
        shared = np.clip(loading**2, 0.0, 0.98)
    loading = np.sign(loading) * np.sqrt(shared)
    factor = (loading / (1 - shared)) @ ranks
    spread = np.sqrt((ranks**2).sum(axis=1))
    factor /= max(float(np.sqrt((factor**2).sum())), 1e-300)
    common = np.outer(loading * spread, factor)
    own = ranks - np.outer(ranks @ factor, factor)
    scale = np.sqrt((own**2).sum(axis=1))
    wanted = spread * np.sqrt(1 - shared)
    return common, own * (wanted / np.where(scale > 0, scale, 1))[:, None]


def _second(tables: FloatArray, sizes: IntArray) -> FloatArray:
    """The second largest eigenvalue of the mean rank correlation of `(tables, K, n)`."""
    total = np.zeros((len(tables), tables.shape[1], tables.shape[1]))
    for part in np.split(tables, sizes, axis=2):
        ranked = np.stack([unit_ranks(table) for table in part])
        total += ranked @ np.swapaxes(ranked, 1, 2)
    return np.asarray(np.linalg.eigvalsh(total / (len(sizes) + 1))[:, -2], dtype=np.float64)
