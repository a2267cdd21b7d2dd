"""Standard errors, clustered by entity, for estimates that are not means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from uqs.metrics.clustered import Estimate, clustered_mean

Floats = NDArray[np.float64]


def clustered_ratio(above: Floats, below: Floats, clusters: Sequence[str]) -> Estimate:
    """Mean of `above` divided by mean of `below`, both (n,) over the same samples. The standard error is that
    of the delta method on cluster totals (Cochran 1977, section 6.4). The mean of `below` must not be 0.
    """
    scale = float(np.mean(below))
    ratio = float(np.mean(above)) / scale
    spread = clustered_mean(above - ratio * below, clusters)
    return Estimate(
        ratio, None if spread.se is None else spread.se / scale, spread.n, spread.clusters
    )


def jackknife_error(left_out: Floats) -> float | None:
    """Standard error from the (G,) values with each of G clusters left out once; None if there are fewer than
    two, or if one is not finite. Source: Efron 1982 (The Jackknife, the Bootstrap), chapter 3.
    """
    count = len(left_out)
    if count < 2 or not np.isfinite(left_out).all():
        return None
    return float(np.sqrt((count - 1) * np.mean((left_out - left_out.mean()) ** 2)))
