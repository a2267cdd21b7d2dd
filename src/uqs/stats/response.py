"""The response of a metric to the known share of knowledge, and what share a value then speaks for.

Models with a known share of the forget entities are the rungs of a ladder. The response g is the mean of each
rung, made monotone, with straight lines between the rungs. A value is consistent with every share at which it
lies within the noise of g (inverse regression; Brown 1993, Measurement, Regression, and Calibration).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import isotonic_regression
from scipy.stats import t as student

from uqs.stats.noise import SAME, smallest_step
from uqs.stats.segments import reached, within

FloatArray = NDArray[np.float64]
Off = Literal["", "below", "above"]


@dataclass(frozen=True)
class KnownShare:
    """The share of knowledge that a value speaks for.

    `estimate` is where the response has the value, or the nearer end of the ladder; `low` to `high` are the
    shares within the noise. All three are None where there is no such share: then `off` says beyond which end
    of the ladder the value lies (`below`: beyond the smallest share, `above`: beyond the largest one).
    `position` is where the value lies on a straight line between the responses at the two ends, in share
    units: 0 at share 0, 1 at share 1; it is known off the ladder too.
    """

    estimate: float | None
    low: float | None
    high: float | None
    off: Off
    position: float


@dataclass(frozen=True)
class Response:
    """A metric's mean as a monotone function of the share.

    One entry per rung, by ascending share: `observed` is the mean of its `runs` models, `means` the monotone
    one. `sd` is the standard deviation between models of a rung, pooled over rungs, with `freedom` degrees of
    freedom; `spreads` are the rungs' own ones where these are larger, else `sd`. `direction` is 1 if the
    metric rises with the share, -1 if it falls.
    """

    shares: tuple[float, ...]
    observed: tuple[float, ...]
    means: tuple[float, ...]
    runs: tuple[int, ...]
    spreads: tuple[float, ...]
    sd: float
    freedom: int
    direction: int

    @property
    def span(self) -> float:
        """The distance of the responses at the two ends, in standard deviations between models."""
        return abs(self.means[-1] - self.means[0]) / self.sd

    def monotone(self, level: float = 0.95) -> bool:
        """Whether every rung's mean agrees with the monotone response.

        Familywise by Bonferroni's t; `level` is the probability that a monotone metric passes, or more.
        """
        needed = _quantile(1 - (1 - level) / len(self.shares), self.freedom) * self.sd
        return all(
            abs(seen - mean) <= needed / sqrt(runs)
            for seen, mean, runs in zip(self.observed, self.means, self.runs, strict=True)
        )

    def smallest_gap(self, level: float = 0.95) -> float | None:
        """The difference of share from which on the metric tells any two models apart.

        The responses of two models that far apart differ by more than the critical difference of two single
        runs, wherever on the ladder they stand (so they are told apart in half of all cases, or more). None
        if even the two ends are not that far apart.
        """
        critical = _quantile(level, self.freedom) * self.sd * sqrt(2)
        shares, means = np.array(self.shares), self._means()
        if critical > means[-1] - means[0]:
            return None
        levels = np.r_[means, means - critical]
        levels = levels[(levels >= means[0]) & (levels <= means[-1] - critical)]
        first = np.array([reached(shares, means, one)[0] for one in levels])
        last = np.array([reached(shares, means, one + critical)[1] for one in levels])
        return float((last - first).max())

    def known_share(
        self, value: float, runs: int = 1, level: float = 0.95, spread: float = 0.0
    ) -> KnownShare:
        """The shares s with |value - g(s)| <= t sd sqrt(1 / runs + 1 / R), R being the models of the rung.

        `value` is the mean of so many `runs`. sd is the rung's of `spreads`; where the runs scatter more than
        that, their own standard deviation `spread` replaces it in the first term. Between rungs the right
        side is a straight line. ValueError for a value that is not finite.
        """
        if not np.isfinite(value) or runs < 1:
            raise ValueError(f"{runs} runs with the mean {value} have no known share")
        shares, means = np.array(self.shares), self._means()
        aim = value * self.direction
        margins = self.margins(runs, level, spread)
        position = float(
            shares[0] + (aim - means[0]) / (means[-1] - means[0]) * (shares[-1] - shares[0])
        )
        held = within(shares, means - aim, margins)
        if held is None:
            return KnownShare(None, None, None, "below" if aim < means[0] else "above", position)
        low, high = held
        estimate = float(self.estimates(value))
        return KnownShare(min(max(estimate, low), high), low, high, "", position)

    def estimates(self, values: ArrayLike) -> FloatArray:
        """The share at which the response has each of `values`, of any shape; off the ladder, the nearer end.

        Where the response is flat, the middle of the shares that have this value.
        """
        means, shares = self._means(), np.array(self.shares)
        aims = np.asarray(values) * self.direction
        # of equal means interp reads the last one, and of the mirrored ones the first
        last = np.interp(aims, means, shares)
        first = -np.interp(-aims, -means[::-1], -shares[::-1])
        middle = (first + last) / 2
        beyond = [aims < means[0], aims > means[-1]]
        return np.asarray(np.select(beyond, [shares[0], shares[-1]], middle))

    def margins(self, runs: int = 1, level: float = 0.95, spread: float = 0.0) -> FloatArray:
        """Per rung, how far the mean of so many `runs` may lie from the response."""
        return _quantile(level, self.freedom) * self.errors(runs, spread)

    def errors(self, runs: int = 1, spread: float = 0.0) -> FloatArray:
        """Per rung, the standard error of the mean of so many `runs` less the response."""
        spreads = np.array(self.spreads)
        own = np.maximum(spreads, spread) ** 2 / runs
        return np.asarray(np.sqrt(own + spreads**2 / np.array(self.runs)))

    def _means(self) -> FloatArray:
        """The means turned so that they rise."""
        return np.array(self.means) * self.direction


def fit(shares: ArrayLike, values: ArrayLike) -> Response | None:
    """The response of `values` `(n,)`, one per model, to the models' known `shares` `(n,)`.

    Rung means, weighted by their models, are made monotone by pooling adjacent violators (Ayer et al. 1955),
    in the direction that fits better. None where no response or no noise is known: fewer than two rungs, no
    rung with two models, or rungs that are all alike. ValueError for what is not finite.
    """
    x, y = _checked(shares, values)
    rungs, where, runs = np.unique(x, return_inverse=True, return_counts=True)
    freedom = len(y) - len(rungs)
    step = smallest_step(y)
    if len(rungs) < 2 or freedom < 1 or step is None:
        return None
    observed = np.bincount(where, y) / runs
    squares = np.bincount(where, (y - observed[where]) ** 2)
    # rounded values that agree hide an error of up to half a step
    sd = sqrt(max(float(squares.sum()) / freedom, step**2 / 4))
    own = np.sqrt(squares / np.maximum(runs - 1, 1))
    fits = {
        sign: isotonic_regression(observed, weights=runs, increasing=sign > 0).x for sign in (1, -1)
    }
    misfit = {sign: float((runs * (observed - one) ** 2).sum()) for sign, one in fits.items()}
    direction = 1 if misfit[1] <= misfit[-1] else -1
    means = fits[direction]
    if abs(means[-1] - means[0]) <= SAME * np.abs(y).max():
        return None
    return Response(
        tuple(rungs.tolist()),
        tuple(observed.tolist()),
        tuple(means.tolist()),
        tuple(runs.tolist()),
        tuple(np.maximum(own, sd).tolist()),
        sd,
        freedom,
        direction,
    )


def leave_one_seed_out_error(
    shares: ArrayLike, values: ArrayLike, seeds: ArrayLike
) -> float | None:
    """Root mean square error of the estimated share, each model being judged by the models of other seeds.

    `shares`, `values`, `seeds` are `(n,)`. A value off the ladder counts as the end that it lies beyond.
    Models beyond the rungs that the other seeds have are left out. None where no model can be judged.
    """
    x, y = _checked(shares, values)
    groups = np.asarray(seeds)
    if groups.shape != x.shape:
        raise ValueError(f"{groups.shape} seeds for {x.shape} models")
    errors: list[float] = []
    for seed in np.unique(groups):
        own = groups == seed
        response = fit(x[~own], y[~own])
        if response is None:
            continue
        judged = own & (x >= response.shares[0]) & (x <= response.shares[-1])
        errors += (response.estimates(y[judged]) - x[judged]).tolist()
    return float(np.sqrt(np.mean(np.square(errors)))) if errors else None


@cache
def _quantile(level: float, freedom: int) -> float:
    """The t that so many deviations stay below, in both directions."""
    return float(student.ppf((1 + level) / 2, freedom))


def _checked(shares: ArrayLike, values: ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, y = np.asarray(shares, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1 or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError(f"one finite value and share per model, not {x.shape} and {y.shape}")
    return x, y
