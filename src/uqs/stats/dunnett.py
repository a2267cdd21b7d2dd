"""Many models against the same few oracles: p values that hold for all of them together (Dunnett 1955)."""

from __future__ import annotations

from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import t as student

from uqs.stats.studentised import REACH, scales

FloatArray = NDArray[np.float64]
_Z, _WEIGHTS = np.polynomial.legendre.leggauss(128)


def dunnett_p(
    statistic: ArrayLike, family: int, oracles: int, freedom: float, *, two_sided: bool
) -> FloatArray:
    """P(the largest of `family` statistics is at least this large) for statistics `(n,)`.

    Each statistic is (model - mean of the oracles) / (sd sqrt(1 + 1/oracles)), with the same oracles and the
    same estimate of the sd, of `freedom` degrees of freedom; so any two correlate by 1 / (oracles + 1).
    `two_sided`: of their sizes. By Gauss-Legendre quadrature over the oracles' mean and the sd; for a family
    of one this is Student's p. `scipy.stats.dunnett` computes the same by random numbers. Raises ValueError
    without a model, an oracle or a degree of freedom.
    """
    if family < 1 or oracles < 1 or not freedom >= 1:
        raise ValueError(f"no test of {family} models, {oracles} oracles, {freedom} degrees")
    found = np.asarray(statistic, dtype=np.float64)
    size = np.abs(found) if two_sided else found
    alone = student.sf(size, freedom) * (2 if two_sided else 1)
    if family == 1:
        return np.asarray(alone, dtype=np.float64)
    together = [_beyond(one, family, oracles, freedom, two_sided) for one in size.ravel()]
    found = np.clip(np.reshape(together, size.shape), alone, np.minimum(family * alone, 1.0))
    return np.asarray(found, dtype=np.float64)


@lru_cache(maxsize=1024)
def dunnett_critical(
    level: float, family: int, oracles: int, freedom: float, *, two_sided: bool
) -> float:
    """The value that the largest of `family` such statistics exceeds with probability 1 - `level`.

    Raises ValueError as `dunnett_p` does, and for a level outside (.5, 1).
    """
    if not 0.5 < level < 1:
        raise ValueError(f"no critical value at level {level}")

    def excess(log_c: float) -> float:
        c = np.array([np.exp(log_c)])
        return float(dunnett_p(c, family, oracles, freedom, two_sided=two_sided)[0] - (1 - level))

    return float(np.exp(brentq(excess, np.log(1e-4), np.log(1e8), xtol=1e-10)))


def _beyond(statistic: float, family: int, oracles: int, freedom: float, two_sided: bool) -> float:
    scale, scale_weights = scales(freedom)
    mean = _Z * REACH
    density = np.exp(-(mean**2) / 2) / sqrt(2 * np.pi) * REACH * _WEIGHTS
    reach = statistic * scale[:, None] * sqrt(1 + 1 / oracles)
    shift = mean / sqrt(oracles)
    one = ndtr(-reach - shift)
    if two_sided:
        one = one + ndtr(-reach + shift)
    # log1p and expm1 keep the figures of small probabilities
    with np.errstate(divide="ignore"):
        some = -np.expm1(family * np.log1p(-np.minimum(one, 1.0)))
    return float(scale_weights @ some @ density)
