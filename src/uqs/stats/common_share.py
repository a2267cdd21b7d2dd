"""Is there one share that explains what all metrics say of a model?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

FloatArray = NDArray[np.float64]
STEPS = 200
"""Intervals of a search; a second one looks closer around the best of the first."""
Curve = tuple[Sequence[float], Sequence[float], int]
"""Shares, the value's offset from the response there in standard errors, and degrees of freedom."""


@dataclass(frozen=True)
class CommonShare:
    """The share that fits all metrics best, and how badly.

    `offsets` `(m,)` are the metrics' offsets there, in standard errors. `p` is the probability that, of a
    model with this share, some metric lies at least as far off (Bonferroni; valid for any correlation of
    metrics).
    """

    share: float
    offsets: tuple[float, ...]
    p: float


def common_share(curves: Sequence[Curve]) -> CommonShare | None:
    """The best common share of a value per metric, over the shares that all their ladders have.

    p is the largest one over all shares, so a small p says that no single share explains the model. Fewer
    than two metrics, or ladders without a common range, give None.
    """
    if len(curves) < 2:
        return None
    low, high = max(min(one[0]) for one in curves), min(max(one[0]) for one in curves)
    if low >= high:
        return None
    freedom = np.array([one[2] for one in curves])[:, None]
    width = (high - low) / STEPS
    share, _ = _best(curves, freedom, np.linspace(low, high, STEPS + 1))
    near = np.clip(np.linspace(share - width, share + width, STEPS + 1), low, high)
    share, p = _best(curves, freedom, np.r_[share, near])
    offsets = _offsets(curves, np.array([share]))[:, 0]
    return CommonShare(share, tuple(offsets.tolist()), min(1.0, len(curves) * p))


def _best(
    curves: Sequence[Curve], freedom: NDArray[np.int_], shares: FloatArray
) -> tuple[float, float]:
    """The share whose worst metric is the least unlikely, and that metric's two-sided p."""
    worst = (2 * student.sf(np.abs(_offsets(curves, shares)), freedom)).min(axis=0)
    at = int(worst.argmax())
    return float(shares[at]), float(worst[at])


def _offsets(curves: Sequence[Curve], shares: FloatArray) -> FloatArray:
    """`(m, n)` offsets, on straight lines between the rungs."""
    return np.stack([np.interp(shares, rungs, offsets) for rungs, offsets, _ in curves])
