"""Random weight vectors: non-negative and of sum 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def uniform(size: int, draws: int, rng: np.random.Generator) -> FloatArray:
    """`(draws, size)` weight vectors, uniform over the simplex: Dirichlet(1, ..., 1)."""
    return rng.dirichlet(np.ones(size), size=draws)


def around(centre: FloatArray, kappa: float, draws: int, rng: np.random.Generator) -> FloatArray:
    """`(draws, size)` weight vectors about `centre`: Dirichlet(kappa * centre).

    `centre` is `(size,)`, non-negative, of sum 1. The mean is `centre` and the variance of weight w is
    w(1 - w) / (kappa + 1); a weight of 0 stays 0.
    """
    if not kappa > 0:
        raise ValueError(f"kappa is {kappa}, not positive")
    if (centre < 0).any() or not np.isclose(centre.sum(), 1):
        raise ValueError("the centre is not a weight vector")
    used = centre > 0
    found = np.zeros((draws, len(centre)))
    found[:, used] = rng.dirichlet(kappa * centre[used], size=draws)
    return found
