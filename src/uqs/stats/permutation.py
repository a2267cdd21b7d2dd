"""Permutation of whole blocks within strata: a method with all its seeds is exchanged for another.

A statistic that is a sum over strata needs the arrangements of one stratum at a time: the arrangements
of all strata together are the sums of one value from each. That makes exactness cheap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations, product
from math import factorial, prod

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
LIMIT = 1_000_000
"""Most arrangements that are all computed; beyond them they are sampled."""
CHUNK = 8_000_000
"""Most numbers held at once by a kernel."""


@dataclass(frozen=True)
class Null:
    """A statistic's part from one stratum: as observed, and `(arrangements,)` with the observed one first."""

    values: FloatArray
    exhaustive: bool

    @property
    def observed(self) -> float:
        return float(self.values[0])


@dataclass(frozen=True)
class PermutationTest:
    """A two-sided p about the permutation mean; `upper` is the 95% point of the null distribution."""

    p: float
    arrangements: int
    exact: bool
    mean: float
    upper: float


def arrangements(blocks: IntArray) -> int:
    """The number of ways to exchange whole blocks of equal size."""
    sizes = np.unique(blocks, return_counts=True)[1]
    return prod(factorial(int(count)) for count in np.unique(sizes, return_counts=True)[1])


def orders(blocks: IntArray, draws: int | None, rng: np.random.Generator) -> NDArray[np.intp]:
    """Row orders `(orders, rows)` that exchange whole blocks of equal size, the given order first.

    `blocks` labels each row. All orders where `draws` is None, else that many random ones beside the
    first. Rows of a block keep their order.
    """
    rows = [np.flatnonzero(blocks == label) for label in np.unique(blocks)]
    by_size = [
        [block for block in rows if len(block) == size]
        for size in sorted({len(block) for block in rows})
    ]
    if draws is None:
        choices = [list(permutations(range(len(group)))) for group in by_size]
        count = prod(len(choice) for choice in choices)
        picked = [np.array(pick) for pick in zip(*product(*choices), strict=True)]
    else:
        count = draws + 1
        picked = [
            np.vstack([np.arange(len(group)), _shuffles(len(group), draws, rng)])
            for group in by_size
        ]
    result = np.empty((count, len(blocks)), dtype=np.intp)
    for group, pick in zip(by_size, picked, strict=True):
        stacked = np.stack(group)
        result[:, stacked.ravel()] = stacked[pick].reshape(count, -1)
    return result


def _shuffles(size: int, draws: int, rng: np.random.Generator) -> IntArray:
    return rng.permuted(np.tile(np.arange(size), (draws, 1)), axis=1)


def balances(x: FloatArray, y: FloatArray, row_orders: NDArray[np.intp]) -> FloatArray:
    """Concordant minus discordant pairs `(orders, K, L)` of x `(K, n)` with y `(L, n)` in each order."""
    i, j = np.triu_indices(x.shape[1], 1)
    signs = np.sign(x[:, i] - x[:, j]).astype(np.float32)
    result = np.empty((len(row_orders), len(x), len(y)))
    step = max(1, CHUNK // max(1, len(i) * len(y)))
    for start in range(0, len(row_orders), step):
        some = row_orders[start : start + step]
        moved = np.sign(y[:, some[:, i]] - y[:, some[:, j]]).astype(np.float32)
        result[start : start + step] = np.moveaxis(moved @ signs.T, 0, 2)
    return result


def products(x: FloatArray, y: FloatArray, row_orders: NDArray[np.intp]) -> FloatArray:
    """Inner products `(orders, K, L)` of x `(K, n)` with y `(L, n)` in each order."""
    columns = np.ascontiguousarray(y.T)
    result = np.empty((len(row_orders), len(x), len(y)))
    step = max(1, CHUNK // max(1, columns.size))
    for start in range(0, len(row_orders), step):
        result[start : start + step] = x @ columns[row_orders[start : start + step]]
    return result


def combine(parts: Sequence[Null], draws: int, rng: np.random.Generator) -> PermutationTest:
    """Test the sum over strata.

    All combinations where every part holds all of its arrangements and there are at most LIMIT, else
    `draws` random ones with p = (1 + b) / (1 + draws) (Phipson, Smyth 2010).
    """
    count = prod(len(part.values) for part in parts)
    exact = all(part.exhaustive for part in parts) and count <= LIMIT
    sums = np.zeros(1)
    if exact:
        for part in parts:
            sums = np.add.outer(sums, part.values).ravel()
    else:
        sums = np.zeros(draws + 1)
        for part in parts:
            sums[0] += part.observed
            sums[1:] += (
                rng.choice(part.values, draws) if part.exhaustive else part.values[1 : draws + 1]
            )
    mean = float(sums.mean())
    distance = np.abs(sums - mean)
    tiny = 1e-9 * max(1.0, float(distance.max()))
    return PermutationTest(
        p=float(np.mean(distance >= distance[0] - tiny)),
        arrangements=len(sums),
        exact=exact,
        mean=mean,
        upper=float(np.quantile(sums, 0.95)),
    )
