"""Association of two variables with ties; an undefined coefficient is a status, never a number."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import kendalltau, rankdata

FloatArray = NDArray[np.float64]
BLOCK = 4_000_000
"""Pairs held at once where pairs are compared one by one."""


class State(StrEnum):
    """Why a coefficient exists or does not; the values are those of `uqs.records.Status`."""

    OK = "ok"
    CONSTANT = "constant"
    TOO_FEW = "too_few"


@dataclass(frozen=True)
class Coefficient:
    """A coefficient over `n` complete observations, or the state that says why there is none."""

    value: float | None
    n: int
    status: State = State.OK


@dataclass(frozen=True)
class PairCounts:
    """How the n(n-1)/2 pairs of observations fall; the five counts add up to all of them."""

    concordant: int
    discordant: int
    tied_x: int
    """Tied in x alone."""
    tied_y: int
    """Tied in y alone."""
    tied_both: int

    @property
    def total(self) -> int:
        untied = self.concordant + self.discordant
        return untied + self.tied_x + self.tied_y + self.tied_both

    @property
    def balance(self) -> int:
        return self.concordant - self.discordant


@dataclass(frozen=True)
class TieThreshold:
    """The metric difference that is best read as a tie, and the accuracy there."""

    threshold: float
    accuracy: float


def complete(x: ArrayLike, y: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """The observations that have both values, each `(n,)`; an infinity is a ValueError."""
    first, second = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"two vectors of one length are needed, not {first.shape}, {second.shape}")
    if np.isinf(first).any() or np.isinf(second).any():
        raise ValueError("an infinite value has no place among the others")
    keep = ~(np.isnan(first) | np.isnan(second))
    return first[keep], second[keep]


def pair_counts(x: ArrayLike, y: ArrayLike) -> PairCounts:
    """Count concordant, discordant and tied pairs in O(n log n) (Knight 1966, as SciPy has it)."""
    first, second = complete(x, y)
    n = len(first)
    xs = np.unique(first, return_inverse=True)[1].astype(np.int64)
    ys = np.unique(second, return_inverse=True)[1].astype(np.int64)
    tied_x = _pairs(np.bincount(xs))
    tied_y = _pairs(np.bincount(ys))
    tied_both = _pairs(np.unique(xs * (n + 1) + ys, return_counts=True)[1])
    total = n * (n - 1) // 2
    balance = 0
    if (total - tied_x) * (total - tied_y) > 0:
        tau = kendalltau(xs, ys).statistic
        balance = round(tau * np.sqrt(float(total - tied_x)) * np.sqrt(float(total - tied_y)))
    untied = total - tied_x - tied_y + tied_both
    return PairCounts(
        (untied + balance) // 2,
        (untied - balance) // 2,
        tied_x - tied_both,
        tied_y - tied_both,
        tied_both,
    )


def _pairs(sizes: NDArray[np.int64]) -> int:
    return int((sizes.astype(np.int64) * (sizes - 1) // 2).sum())


def _checked(x: FloatArray, y: FloatArray) -> Coefficient | None:
    """The undefined coefficient of two vectors that allow none."""
    if len(x) < 2:
        return Coefficient(None, len(x), State.TOO_FEW)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return Coefficient(None, len(x), State.CONSTANT)
    return None


def tau_b(x: ArrayLike, y: ArrayLike) -> Coefficient:
    """Kendall's tau-b: the balance of untied pairs over their geometric mean (Kendall 1945)."""
    first, second = complete(x, y)
    if undefined := _checked(first, second):
        return undefined
    pairs = pair_counts(first, second)
    untied = pairs.concordant + pairs.discordant
    scale = np.sqrt(float(untied + pairs.tied_x)) * np.sqrt(float(untied + pairs.tied_y))
    return Coefficient(float(np.clip(pairs.balance / scale, -1, 1)), len(first))


def spearman(x: ArrayLike, y: ArrayLike) -> Coefficient:
    """Spearman's rho: Pearson correlation of mid-ranks."""
    first, second = complete(x, y)
    if undefined := _checked(first, second):
        return undefined
    ranks = rankdata(first), rankdata(second)
    centred = [rank - rank.mean() for rank in ranks]
    scale = np.sqrt((centred[0] ** 2).sum()) * np.sqrt((centred[1] ** 2).sum())
    value = float(np.clip((centred[0] * centred[1]).sum() / scale, -1, 1))
    return Coefficient(value, len(first))


def unit_ranks(x: FloatArray) -> FloatArray:
    """Centred mid-ranks of each row of x `(K, n)`, divided by their norm: inner products are Spearman's rho.

    All 0 for a constant row.
    """
    ranks: FloatArray = rankdata(x, axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    norm = np.sqrt((ranks**2).sum(axis=1, keepdims=True))
    norm[norm == 0] = 1
    ranks /= norm
    return ranks


def pairwise_accuracy(metric: ArrayLike, gold: ArrayLike, threshold: float = 0.0) -> Coefficient:
    """Share of pairs that the metric orders, or ties, as the gold values do (Deutsch et al. 2023).

    Two metric values no more than `threshold` apart are a tie; gold values tie where they are equal.
    """
    if not threshold >= 0:
        raise ValueError(f"a tie threshold of {threshold} is negative")
    first, second = complete(metric, gold)
    n = len(first)
    if n < 2:
        return Coefficient(None, n, State.TOO_FEW)
    if threshold == 0:
        pairs = pair_counts(first, second)
        return Coefficient((pairs.concordant + pairs.tied_both) / pairs.total, n)
    right = 0
    step = max(1, BLOCK // n)
    for start in range(0, n, step):
        rows = slice(start, start + step)
        difference = first[rows, None] - first
        signs = np.where(np.abs(difference) <= threshold, 0, np.sign(difference))
        right += int((signs == np.sign(second[rows, None] - second)).sum())
    return Coefficient((right - n) / (n * (n - 1)), n)


def tie_threshold(metric: ArrayLike, gold: ArrayLike) -> TieThreshold:
    """The smallest threshold with the best pairwise accuracy (tie calibration, Deutsch et al. 2023).

    Reads all n(n-1)/2 pairs at once. Fewer than two observations are a ValueError.
    """
    first, second = complete(metric, gold)
    if len(first) < 2:
        raise ValueError("a tie threshold needs two observations or more")
    i, j = np.triu_indices(len(first), 1)
    difference = first[i] - first[j]
    gold_sign = np.sign(second[i] - second[j])
    distance = np.abs(difference)
    order = np.argsort(distance, kind="stable")
    distance = np.r_[0.0, distance[order]]
    tied_right = np.cumsum(np.r_[0, gold_sign[order] == 0])
    ordered_right = np.r_[0, (np.sign(difference[order]) == gold_sign[order]) & (distance[1:] > 0)]
    right = tied_right + ordered_right.sum() - np.cumsum(ordered_right)
    last = np.r_[distance[1:] != distance[:-1], True]
    best = int(np.argmax(np.where(last, right, -1)))
    return TieThreshold(float(distance[best]), float(right[best] / len(i)))
