"""Means with standard errors for dependent samples: questions about one entity are a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Estimate(NamedTuple):
    """A mean of n values; `se` is None if there are fewer than two clusters."""

    value: float
    se: float | None
    n: int
    clusters: int


def clustered_mean(values: NDArray[np.float64], clusters: Sequence[str]) -> Estimate:
    """Mean of (n,) values with the cluster-robust standard error of a ratio (Cochran 1977, section 11.8).

    Raises ValueError if there is no value.
    """
    if len(values) == 0:
        raise ValueError("no values to average")
    _, codes = np.unique(np.asarray(clusters), return_inverse=True)
    mean, groups = float(np.mean(values)), int(codes.max()) + 1
    if groups < 2:
        return Estimate(mean, None, len(values), groups)
    residuals = np.bincount(codes, weights=values - mean)
    variance = groups / (groups - 1) * float(residuals @ residuals) / len(values) ** 2
    return Estimate(mean, variance**0.5, len(values), groups)
