"""Quantiles of the studentised range, fast enough for hundreds of families of comparisons."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import chi2

FloatArray = NDArray[np.float64]
REACH = 8.5
"""A standard normal variable lies beyond it with probability 2e-17."""
_Z, _Z_WEIGHTS = np.polynomial.legendre.leggauss(128)
_U, _U_WEIGHTS = np.polynomial.legendre.leggauss(64)


@lru_cache(maxsize=4096)
def studentised_range(level: float, groups: int, freedom: float) -> float:
    """The `level` quantile of the range of `groups` standard normals over an independent estimate of their
    standard deviation with `freedom` degrees of freedom (inf: known).

    What `scipy.stats.studentized_range.ppf` computes, by Gauss-Legendre quadrature and ten times as fast;
    the two agree to 1e-5 of the value, to 4e-4 for 200 groups and 1 degree of freedom. Raises
    ValueError for fewer than 2 groups, freedom under 1 or a level outside (0, 1).
    """
    if groups < 2 or not freedom >= 1 or not 0 < level < 1:
        raise ValueError(f"no studentised range of {groups} groups, {freedom} degrees, {level}")
    scale, weights = scales(freedom)

    def short(log_q: float) -> float:
        return float(_range_within(np.exp(log_q) * scale, groups) @ weights) - level

    return float(np.exp(brentq(short, np.log(1e-4), np.log(1e6), xtol=1e-9)))


def range_beyond(width: FloatArray, groups: int) -> FloatArray:
    """P(range of `groups` standard normals > width), for widths of any shape.

    What `scipy.stats.studentized_range.sf` computes with infinite degrees of freedom, to 1e-6 and for all
    widths at once.
    """
    found = 1 - _range_within(np.ravel(width), groups)
    return np.clip(found, 0, 1).reshape(np.shape(width))


@lru_cache(maxsize=256)
def scales(freedom: float) -> tuple[FloatArray, FloatArray]:
    """Values `(n,)` of chi / sqrt(freedom) and their probability weights."""
    if np.isinf(freedom):
        return np.ones(1), np.ones(1)
    # u = v^3 crowds the nodes at small scales, on which the tail of the quotient depends
    v = (_U + 1) / 2
    scale = np.sqrt(chi2.ppf(v**3, freedom) / freedom)
    weights = _U_WEIGHTS / 2 * 3 * v**2
    for shared in (scale, weights):
        shared.flags.writeable = False
    return scale, weights


def _range_within(width: FloatArray, groups: int) -> FloatArray:
    """P(range of `groups` standard normals <= width), for `(n,)` widths."""
    # the largest lies at z and the others within `width` below it
    z = _Z * REACH
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) * REACH * _Z_WEIGHTS
    inside = ndtr(z) - ndtr(z - width[:, None])
    return np.asarray(groups * (inside ** (groups - 1)) @ density, dtype=np.float64)
