"""Lines of straight segments: where they stay within a margin, and where a rising one has a value."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def within(at: FloatArray, offsets: FloatArray, margins: FloatArray) -> tuple[float, float] | None:
    """The first and the last place where |offset| is at most the margin; None where it is nowhere.

    `offsets` and `margins` `(n,)` are given at the ascending places `at` `(n,)`, with straight lines between.
    """
    found: list[float] = []
    rooms = zip(
        at.tolist(), (margins - offsets).tolist(), (margins + offsets).tolist(), strict=True
    )
    for (start, *first), (end, *last) in pairwise(rooms):
        parts = [_positive(*ends) for ends in zip(first, last, strict=True)]
        low, high = max(part[0] for part in parts), min(part[1] for part in parts)
        if low <= high:
            found += [start + low * (end - start), start + high * (end - start)]
    return (min(found), max(found)) if found else None


def reached(shares: FloatArray, means: FloatArray, aim: float) -> tuple[float, float]:
    """The first and the last share at which rising `means` have the value `aim`, or the nearer end."""
    if aim < means[0]:
        return float(shares[0]), float(shares[0])
    if aim > means[-1]:
        return float(shares[-1]), float(shares[-1])
    # of equal means interp reads the last one, and of the mirrored ones the first
    last = float(np.interp(aim, means, shares))
    first = float(-np.interp(-aim, -means[::-1], -shares[::-1]))
    return min(first, last), max(first, last)


def _positive(first: float, last: float) -> tuple[float, float]:
    """The part of [0, 1] where the line from `first` to `last` is not below 0; from 1 to 0 where none is."""
    if first >= 0 and last >= 0:
        return 0.0, 1.0
    if first < 0 and last < 0:
        return 1.0, 0.0
    root = first / (first - last)
    return (0.0, root) if first >= 0 else (root, 1.0)
