"""Ranks, the sets of ranks that noise allows, and groups of what is not told apart."""

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
    The sets are those of Mogstad, Romano, Shaikh and Wilhelm (2024, Review of Economic Studies 91), from all
    pairwise differences at once; `stats.paired` makes them.
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
