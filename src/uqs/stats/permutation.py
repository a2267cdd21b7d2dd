"""Permutation of whole methods: one exchange for all benchmarks, with all seeds and strengths attached.

The effect of a method persists from one benchmark to the next, and from one strength to another. Exchanging
methods afresh on each benchmark would take such repeats for independent evidence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations, product
from math import factorial, prod

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
LIMIT = 40_320
"""Most arrangements that are all computed (8 methods); beyond them they are sampled."""
CHUNK = 8_000_000
"""Most numbers held at once by a kernel."""


@dataclass(frozen=True)
class PermutationTest:
    """A two-sided p about the permutation mean; `upper` is the 95% point of the null distribution."""

    p: float
    arrangements: int
    exact: bool
    mean: float
    upper: float


@dataclass(frozen=True)
class Exchanges:
    """Arrangements of whole methods over all rows of a table, the given one first.

    Methods are exchanged if they have rows at the same places. A place is what a row stands for beside its
    method and seed: a benchmark, and a strength if there are any. Seeds are repeats: a method with fewer rows
    at a place than the method whose place it takes repeats them in turn.

    `donors` `(arrangements, methods)` says whose values each method gets. `column` `(rows,)` and `source`
    `(methods, columns)` turn that into rows.
    """

    donors: IntArray
    method: IntArray
    column: IntArray
    source: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.donors)

    def chunks(self, width: int) -> Iterator[slice]:
        """Slices of the arrangements that hold at most CHUNK numbers, of `width` each."""
        step = max(1, CHUNK // max(1, width))
        for start in range(0, len(self), step):
            yield slice(start, start + step)

    def orders(self, some: slice, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """`(arrangements, rows)`: the row whose values each of `rows` gets."""
        donors = self.donors[some][:, self.method[rows]]
        return np.asarray(self.source[donors, self.column[rows]], dtype=np.intp)


def alike(methods: IntArray, places: IntArray) -> list[IntArray]:
    """Methods `(n,)` that can be exchanged for each other: those with rows at the same places.

    `methods` and `places` `(rows,)` are codes from 0.
    """
    present = np.zeros((int(methods.max(initial=-1)) + 1, int(places.max(initial=-1)) + 1), bool)
    present[methods, places] = True
    _, pattern = np.unique(present, axis=0, return_inverse=True)
    found = present.any(axis=1)
    return [
        np.flatnonzero((pattern == one) & found).astype(np.int64)
        for one in np.unique(pattern[found])
    ]


def arrangements(methods: IntArray, places: IntArray) -> int:
    """The number of ways to exchange whole methods with rows at the same places."""
    return prod(factorial(len(group)) for group in alike(methods, places))


def exchanges(
    methods: IntArray, places: IntArray, draws: int | None, rng: np.random.Generator
) -> Exchanges:
    """All arrangements where `draws` is None, else that many random ones beside the given one.

    `methods` and `places` `(rows,)` are codes from 0; the rows of a method at a place are in seed order.
    """
    groups = alike(methods, places)
    size = int(methods.max(initial=-1)) + 1
    if draws is None:
        choices = [list(permutations(group.tolist())) for group in groups]
        donors = np.tile(np.arange(size), (prod(map(len, choices)), 1))
        picked = [np.array(pick) for pick in zip(*product(*choices), strict=True)]
    else:
        donors = np.tile(np.arange(size), (draws + 1, 1))
        picked = [
            np.vstack([group, rng.permuted(np.tile(group, (draws, 1)), axis=1)]) for group in groups
        ]
    for group, pick in zip(groups, picked, strict=True):
        donors[:, group] = pick
    column, source = _columns(methods, places)
    return Exchanges(donors, methods, column, source)


def _columns(methods: IntArray, places: IntArray) -> tuple[IntArray, NDArray[np.intp]]:
    """The column of each row (its place, and its number there), and each method's row in each column.

    A column that a method lacks holds one of its other rows at the same place, or none (-1).
    """
    rows = np.arange(len(methods))
    order = np.lexsort((rows, places, methods))
    cell = methods[order] * (int(places.max(initial=0)) + 1) + places[order]
    _, start, size = np.unique(cell, return_index=True, return_counts=True)
    within = np.empty(len(methods), dtype=np.int64)
    within[order] = np.arange(len(methods)) - np.repeat(start, size)
    most = int(size.max(initial=1))
    column = places * most + within
    source = np.full((int(methods.max(initial=-1)) + 1, int(column.max(initial=-1)) + most), -1)
    for first, count in zip(start.tolist(), size.tolist(), strict=True):
        here = order[first : first + count]
        at = places[here[0]] * most
        source[methods[here[0]], at : at + most] = np.resize(here, most)
    return np.asarray(column, dtype=np.int64), np.asarray(source, dtype=np.intp)


def balances(x: FloatArray, y: FloatArray, orders: NDArray[np.intp]) -> FloatArray:
    """Concordant minus discordant pairs `(orders, K, L)` of x `(K, n)` with y `(L, N)`.

    `orders` `(orders, n)` says which of the N values of y stand beside those of x.
    """
    i, j = np.triu_indices(x.shape[1], 1)
    signs = np.sign(x[:, i] - x[:, j]).astype(np.float32)
    result = np.empty((len(orders), len(x), len(y)))
    step = max(1, CHUNK // max(1, len(i) * len(y)))
    for start in range(0, len(orders), step):
        some = orders[start : start + step]
        moved = np.sign(y[:, some[:, i]] - y[:, some[:, j]]).astype(np.float32)
        result[start : start + step] = np.moveaxis(moved @ signs.T, 0, 2)
    return result


def products(x: FloatArray, y: FloatArray, orders: NDArray[np.intp]) -> FloatArray:
    """Inner products `(orders, K, L)` of x `(K, n)` with y `(L, N)` in each order `(orders, n)`."""
    columns = np.ascontiguousarray(y.T)
    result = np.empty((len(orders), len(x), len(y)))
    step = max(1, CHUNK // max(1, orders.shape[1] * len(y)))
    for start in range(0, len(orders), step):
        result[start : start + step] = x @ columns[orders[start : start + step]]
    return result


def two_sided(values: FloatArray, *, exact: bool) -> PermutationTest:
    """The test of `values` `(arrangements,)`, the observed one first.

    p is the share of arrangements at least as far from their mean as the observed one. For drawn
    arrangements that is (1 + b) / (1 + draws) (Phipson, Smyth 2010), because the observed one is among them.
    """
    mean = float(values.mean())
    distance = np.abs(values - mean)
    tiny = 1e-9 * max(1.0, float(distance.max()))
    return PermutationTest(
        p=float(np.mean(distance >= distance[0] - tiny)),
        arrangements=len(values),
        exact=exact,
        mean=mean,
        upper=float(np.quantile(values, 0.95)),
    )
