"""What a design can show at all, before any value is looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

FloatArray = NDArray[np.float64]
WORK = 200_000_000
"""Most pair signs of one simulation; larger designs take the normal approximation."""


def smallest_p(arrangements: int, resamples: int, limit: int, *, repeats: bool) -> float | None:
    """The least two-sided p that a stratified test can reach; None where nothing exchanges.

    Without `repeats` (one row a method) the reversed arrangement is as far from the mean as the observed
    one, so two of all are the least; repeats can break that symmetry. A sampled test cannot go below
    1 / (1 + resamples).
    """
    if arrangements < 2:
        return None
    exact = (1 if repeats else 2) / arrangements
    return exact if arrangements <= limit else max(exact, 1 / (1 + resamples))


def detectable_tau(
    methods: Sequence[int],
    rng: np.random.Generator,
    simulations: int = 2000,
    level: float = 0.05,
    power: float = 0.8,
) -> float | None:
    """Smallest true tau that the permutation test of the mean tau finds with the given power.

    `methods` is the number of methods in each benchmark. Method values are bivariate normal, alike in
    all benchmarks; seeds are repeats and add nothing. None where even tau = 1 is not found.
    """
    counts = [count for count in methods if count > 1]
    if not counts:
        return None
    if simulations * sum(count**2 for count in counts) > WORK:
        variance = [2 * (2 * m + 5) / (9 * m * (m - 1)) for m in counts]
        spread = np.sqrt(np.sum(variance)) / len(counts)
        return float((norm.ppf(1 - level / 2) + norm.ppf(power)) * spread)
    critical = _critical(_null(counts, 20_000, rng), level)
    if critical is None:
        return None
    noise = [rng.standard_normal((2, simulations, count)) for count in counts]

    def found(correlation: float) -> bool:
        taus = [_tau(x, correlation * x + np.sqrt(1 - correlation**2) * e) for x, e in noise]
        return bool(np.mean(np.abs(np.mean(taus, axis=0)) >= critical - 1e-9) >= power)

    low, high = 0.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (low, middle) if found(middle) else (middle, high)
    return float(2 / np.pi * np.arcsin(high))


def _null(counts: list[int], size: int, rng: np.random.Generator) -> FloatArray:
    """Mean tau of independent orders; discordant pairs are a sum of uniform counts (Kendall 1938)."""
    means = np.zeros(size)
    for count in counts:
        discordant = rng.integers(0, np.arange(1, count + 1)[:, None], (count, size)).sum(axis=0)
        means += (1 - 4 * discordant / (count * (count - 1))) / len(counts)
    return means


def _critical(null: FloatArray, level: float) -> float | None:
    """The least distance from 0 that the null reaches in at most `level` of its draws."""
    distance, counts = np.unique(np.round(np.abs(null), 9), return_counts=True)
    tail = np.cumsum(counts[::-1])[::-1] / len(null)
    allowed = distance[tail <= level]
    return float(allowed[0]) if len(allowed) else None


def _tau(x: FloatArray, y: FloatArray) -> FloatArray:
    i, j = np.triu_indices(x.shape[1], 1)
    signs = np.sign((x[:, i] - x[:, j]) * (y[:, i] - y[:, j]))
    return np.asarray(signs.mean(axis=1), dtype=np.float64)
