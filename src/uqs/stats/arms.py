"""Do variables agree as much in one arm as in another? The same units stand in both; arrays in, arrays out.

A unit is a whole method. Its values in the two arms are not independent, so that units are swapped between
arms, and drawn, with all that they have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
CHUNK = 8_000_000
"""Numbers held at once."""
DECIMALS = 6
"""Of standardised values; beyond them two are the same."""


@dataclass(frozen=True)
class Places:
    """Two places, one of each arm: `first` and `second` are `(K, M)`, K variables of the same M units.

    NaN where a unit has no value. A variable counts for the units that have it in both places.
    """

    first: FloatArray
    second: FloatArray

    @property
    def known(self) -> BoolArray:
        """`(K, M)`."""
        return ~(np.isnan(self.first) | np.isnan(self.second))

    def scores(self) -> tuple[FloatArray, FloatArray]:
        """Mid-ranks of each variable among the units that have it, which two places have alike; else 0.

        Between places equal ranks are told apart by the standardised values, rounded: with ties that no place
        has itself, swapped taus would spread less than the given ones.
        """
        known, found = self.known, []
        for values in (self.first, self.second):
            scores = np.zeros(values.shape)
            for at, one in enumerate(known):
                if one.any():
                    own = values[at, one]
                    spread = float(own.std()) or 1.0
                    distance = np.round((own - own.mean()) / spread, DECIMALS)
                    scores[at, one] = rankdata(own) + distance / (4 * len(own))
            found.append(scores)
        return found[0], found[1]


def swaps(units: int, draws: int, rng: np.random.Generator) -> BoolArray:
    """Which units are swapped, `(arrangements, units)`, none of them first.

    All 2^units if they are at most `draws` + 1, else so many random ones beside the first.
    """
    if 2**units <= draws + 1:
        return np.asarray((np.arange(2**units)[:, None] >> np.arange(units)) & 1, dtype=np.bool_)
    drawn = rng.random((draws + 1, units)) < 0.5
    drawn[0] = False
    return np.asarray(drawn)


def swapped_differences(places: Places, some: BoolArray) -> FloatArray:
    """tau-b in the first place less tau-b in the second, `(arrangements, K, K)`, for swaps of whole units.

    Ranks are swapped, because two places need not have the same scale. NaN where a tau is undefined.
    """
    first, second = places.scores()
    size, units = first.shape
    found = np.empty((len(some), size, size))
    step = max(1, CHUNK // max(1, size * units**2, size**2))
    for start in range(0, len(some), step):
        swap = some[start : start + step, None, :]
        found[start : start + step] = _tau(np.where(swap, second, first), places.known)
        found[start : start + step] -= _tau(np.where(swap, first, second), places.known)
    return found


def taus(values: FloatArray, known: BoolArray) -> FloatArray:
    """tau-b `(K, K)` of the rows of `values` `(K, M)`, each pair on the units that both have."""
    return np.asarray(_tau(np.where(known, values, 0.0)[None], known)[0])


def _tau(values: FloatArray, known: BoolArray) -> FloatArray:
    """tau-b `(n, K, K)` of values `(n, K, M)`; NaN where a variable is constant."""
    signs, both = _signs(values), _pairs(known)
    signs = signs * both
    balance = signs @ np.swapaxes(signs, 1, 2)
    untied = np.abs(signs) @ both.T
    return _over(balance, untied * np.swapaxes(untied, 1, 2))


def drawn_taus(values: FloatArray, known: BoolArray, weights: FloatArray) -> FloatArray:
    """tau-b `(n, K, K)` when unit m is drawn `weights[:, m]` times; NaN where undefined."""
    i, j = np.triu_indices(values.shape[1], 1)
    both = _pairs(known)
    signs = _signs(np.where(known, values, 0.0)) * both
    products = signs[:, None] * signs[None]
    untied = np.abs(signs)[:, None] * both[None]
    found = np.empty((len(weights), len(values), len(values)))
    step = max(1, CHUNK // max(1, len(i)))
    for start in range(0, len(weights), step):
        some = weights[start : start + step]
        pairs = (some[:, i] * some[:, j]).T
        balance, share = (np.moveaxis(part @ pairs, 2, 0) for part in (products, untied))
        found[start : start + step] = _over(balance, share * np.swapaxes(share, 1, 2))
    return found


def _over(balance: FloatArray, squared: FloatArray) -> FloatArray:
    found = np.full(balance.shape, np.nan)
    scale = np.sqrt(squared)
    np.divide(balance, scale, out=found, where=scale > 0)
    return found


def _signs(values: FloatArray) -> FloatArray:
    """The sign of the difference of every pair of units, `(..., M (M - 1) / 2)`."""
    i, j = np.triu_indices(values.shape[-1], 1)
    return np.asarray(np.sign(values[..., i] - values[..., j]))


def _pairs(known: BoolArray) -> FloatArray:
    i, j = np.triu_indices(known.shape[-1], 1)
    return (known[..., i] & known[..., j]).astype(np.float64)


def two_sided_p(differences: FloatArray) -> float:
    """The share of arrangements `(n,)` with a difference at least as far from 0 as the first.

    Where not all swaps were computed, that is (1 + b) / (1 + draws).
    """
    distance = np.abs(differences)
    return float(np.mean(distance >= distance[0] - 1e-9))
