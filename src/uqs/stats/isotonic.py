"""Rising sequences: the nearest one to given means, and where it has a value."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


def pooled(means: FloatArray, weights: ArrayLike) -> FloatArray:
    """The rising sequence `(n,)` nearest to `means` `(n,)` in weighted squares (pool adjacent violators)."""
    blocks: list[tuple[float, float, int]] = []
    for mean, weight in zip(means, np.asarray(weights, dtype=np.float64), strict=True):
        block = (float(mean), float(weight), 1)
        while blocks and blocks[-1][0] >= block[0]:
            before = blocks.pop()
            total = before[1] + block[1]
            block = (
                (before[0] * before[1] + block[0] * block[1]) / total,
                total,
                before[2] + block[2],
            )
        blocks.append(block)
    return np.repeat([block[0] for block in blocks], [block[2] for block in blocks])


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
