"""What measurement error does to a comparison."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
Z = 1.959963984540054


SAME = 1e-9
"""Values nearer to each other than this share of the largest are equal."""


def smallest_step(values: ArrayLike) -> float | None:
    """The smallest difference between `values` that differ at all, of any shape; None if all are equal.

    Rounded values that agree hide an error of up to half a step.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64), axis=None)
    gaps = np.diff(ordered)
    gaps = gaps[gaps > SAME * np.abs(ordered).max(initial=0)]
    return float(gaps.min()) if len(gaps) else None


def wilson_interval(share: ArrayLike, n: ArrayLike, z: float = Z) -> tuple[FloatArray, FloatArray]:
    """Low and high end of the score interval of a proportion of n items (Wilson 1927)."""
    p, count = np.asarray(share, dtype=np.float64), np.asarray(n, dtype=np.float64)
    centre = (p + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(p * (1 - p) / count + z**2 / (4 * count**2))
    return centre - half, centre + half


def wilson_error(share: ArrayLike, n: ArrayLike) -> FloatArray:
    """The standard error that a 95% Wilson interval implies; above 0 even at a share of 0 or 1."""
    low, high = wilson_interval(share, n)
    return (high - low) / (2 * Z)


def attenuation_ceiling(first: float | None, second: float | None) -> float | None:
    """The largest correlation that two measures of these reliabilities can show (Spearman 1904).

    A reliability that is unknown counts as perfect, so that the ceiling is then an upper bound; None
    where both are.
    """
    known = [value for value in (first, second) if value is not None]
    return float(np.sqrt(np.prod(known))) if known else None


def pair_distances(first: ArrayLike, second: ArrayLike, distance: ArrayLike) -> FloatArray:
    """The distance `(pairs,)` of each unordered pair of oracles, sorted.

    `first`, `second` and `distance` are `(n,)`: the pair and one of its distances. A pair that was measured
    both ways, or several times, counts once, with the mean.
    """
    ends = np.sort(np.stack([np.asarray(first), np.asarray(second)], axis=1), axis=1)
    values = np.asarray(distance, dtype=np.float64)
    _, pair = np.unique(ends, axis=0, return_inverse=True)
    count = np.bincount(pair)
    # sorted first, so that the order of the rows does not touch the last bits
    order = np.lexsort((values, pair))
    return np.sort(np.bincount(pair[order], values[order]) / count)


def pair_differences(values: ArrayLike) -> FloatArray:
    """The absolute difference `(pairs,)` of each pair of oracles' own values, sorted."""
    own = np.sort(np.asarray(values, dtype=np.float64))
    i, j = np.triu_indices(len(own), 1)
    return np.sort(own[j] - own[i])


def noise_floor(pairs: ArrayLike) -> float | None:
    """How far two oracles lie apart: the mean over their pairs; None without a pair."""
    known = np.asarray(pairs, dtype=np.float64)
    return float(known.mean()) if len(known) else None
