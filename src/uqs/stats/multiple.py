"""Correction for many tests; a test that does not exist takes no part."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Step-down adjusted p values; the family-wise error stays at the level (Holm 1979)."""

    def adjust(sorted_p: FloatArray) -> FloatArray:
        return np.maximum.accumulate(sorted_p * np.arange(len(sorted_p), 0, -1))

    return _adjusted(p, adjust)


def benjamini_hochberg(p: Sequence[float | None]) -> list[float | None]:
    """Step-up adjusted p values; the false discovery rate stays at the level (1995)."""

    def adjust(sorted_p: FloatArray) -> FloatArray:
        n = len(sorted_p)
        return np.minimum.accumulate((sorted_p * n / np.arange(1, n + 1))[::-1])[::-1]

    return _adjusted(p, adjust)


def _adjusted(
    p: Sequence[float | None], adjust: Callable[[FloatArray], FloatArray]
) -> list[float | None]:
    defined = np.array([value for value in p if value is not None], dtype=np.float64)
    order = np.argsort(defined, kind="stable")
    adjusted = np.empty(len(defined))
    adjusted[order] = np.minimum(1, adjust(defined[order]))
    left = iter(adjusted.tolist())
    return [None if value is None else next(left) for value in p]
