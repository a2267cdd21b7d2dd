"""What a design can show at all, before any value is looked at."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
PERSISTS = 0.9
"""Share of the variance of method effects that is the same on all benchmarks."""
ATTACHED = 0.8
"""Correlation of the effects of two strengths of one method."""
SIGNS = 20_000_000
"""Most pair signs of one step of a simulation; larger designs simulate fewer tables."""
TABLES = 2000
FEWEST = 100
MOST = 400
"""More methods or settings are simulated as so many, which detect as much or less."""
MOST_BENCHMARKS = 20
"""The same of benchmarks."""


def smallest_p(arrangements: int, resamples: int, limit: int, *, symmetric: bool) -> float | None:
    """The least two-sided p that a test can reach; None if nothing can be exchanged.

    `symmetric`: one row per method in all, so that the reversed arrangement is as far from the mean as the
    observed one and two of all are the least. A sampled test cannot go below 1 / (1 + resamples).
    """
    if arrangements < 2:
        return None
    exact = (2 if symmetric else 1) / arrangements
    return exact if arrangements <= limit else max(exact, 1 / (1 + resamples))


@lru_cache(maxsize=64)
def detectable_tau(
    methods: int,
    benchmarks: int,
    strengths: int = 1,
    *,
    level: float = 0.05,
    power: float = 0.8,
) -> float | None:
    """The smallest true tau of two metrics that a permutation of whole methods finds with the given power.

    Effects are bivariate normal; PERSISTS of their variance is the same on all benchmarks, and the strengths
    of a method correlate by ATTACHED. Seeds are repeats and add nothing. By simulation with a fixed seed: the
    mean tau over benchmarks against its `1 - level` point in unrelated tables. None if even equal orders are
    not found, or with fewer than five methods, whose arrangements are too few.
    """
    if methods < 5:
        return None
    methods = min(methods, max(5, MOST // strengths))
    benchmarks, size = min(benchmarks, MOST_BENCHMARKS), methods * strengths
    tables = int(np.clip(SIGNS / (benchmarks * size**2 / 2), FEWEST, TABLES))
    rng = np.random.default_rng(0)
    x, e = (_effects(rng, tables, benchmarks, methods, strengths) for _ in range(2))
    critical = float(np.quantile(np.abs(_mean_tau(x, e)), 1 - level))

    def found(correlation: float) -> bool:
        taus = _mean_tau(x, correlation * x + np.sqrt(1 - correlation**2) * e)
        return bool(np.mean(np.abs(taus) > critical) >= power)

    if not found(1.0):
        return None
    low, high = 0.0, 1.0
    for _ in range(8):
        middle = (low + high) / 2
        low, high = (low, middle) if found(middle) else (middle, high)
    return float(2 / np.pi * np.arcsin(high))


def _effects(
    rng: np.random.Generator, tables: int, benchmarks: int, methods: int, strengths: int
) -> FloatArray:
    """`(tables, benchmarks, methods * strengths)` with variance 1."""
    found = np.zeros((tables, benchmarks, methods, strengths))
    for persists, benchmark in ((PERSISTS, 1), (1 - PERSISTS, benchmarks)):
        for attached, strength in ((ATTACHED, 1), (1 - ATTACHED, strengths)):
            drawn = rng.standard_normal((tables, benchmark, methods, strength))
            found += np.sqrt(persists * attached) * drawn
    return found.reshape(tables, benchmarks, methods * strengths)


def _mean_tau(x: FloatArray, y: FloatArray) -> FloatArray:
    """`(tables,)`: the mean over benchmarks of tau of `(tables, benchmarks, n)`."""
    total = np.zeros(x.shape[:2])
    for j in range(1, x.shape[2]):
        signs = np.sign((x[:, :, :j] - x[:, :, [j]]) * (y[:, :, :j] - y[:, :, [j]]))
        total += signs.sum(axis=2)
    return np.asarray(total.mean(axis=1) / (x.shape[2] * (x.shape[2] - 1) / 2), dtype=np.float64)
