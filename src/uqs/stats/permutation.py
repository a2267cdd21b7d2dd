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
CHUNK = 4_000_000
"""Most numbers held at once."""


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

    `donors` `(arrangements, methods)` says whose values each method gets. Every place has a column for each
    seed: `own` `(methods, columns)` is the row of each method there, -1 if it has none, and `given` the row
    whose value it gives away there.
    """

    donors: IntArray
    own: IntArray
    given: IntArray

    def within(self, rows: IntArray) -> Exchanges:
        """The same arrangements of some rows only."""
        kept = np.isin(self.own, rows)
        columns = kept.any(axis=0)
        return Exchanges(
            self.donors, np.where(kept, self.own, -1)[:, columns], self.given[:, columns]
        )

    def rows(self, some: slice, rows: IntArray) -> IntArray:
        """The row whose value each of `rows` gets in some arrangements, `(arrangements, rows)`."""
        method, column = (np.zeros(int(self.own.max()) + 1, dtype=np.int64) for _ in range(2))
        at = np.nonzero(self.own >= 0)
        method[self.own[at]], column[self.own[at]] = at
        return np.asarray(self.given[self.donors[some][:, method[rows]], column[rows]])

    def products(self, x: FloatArray, y: FloatArray) -> Iterator[tuple[slice, FloatArray]]:
        """Inner products `(some, K, L)` of x `(K, rows)` and y `(L, rows)`, some arrangements at a time."""
        own = self.own[self.own >= 0]
        first, columns = x[:, own], np.ascontiguousarray(y.T)
        step = max(1, CHUNK // max(1, len(own) * len(y), len(x) * len(y)))
        for start in range(0, len(self.donors), step):
            some = slice(start, start + step)
            yield some, first @ columns[self.rows(some, own)]

    def balances(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Concordant minus discordant pairs of x and y `(rows,)` in every arrangement, `(arrangements,)`."""
        size = len(self.own)
        table = (_signs(x, self.own) @ _signs(y, self.given).T).astype(np.float32)
        i, j = np.triu_indices(size)
        # a pair within one method is counted twice
        table = table[i * size + j] / np.where(i == j, 2, 1)[:, None].astype(np.float32)
        pairs = np.arange(len(i)) * size**2
        flat, result = table.ravel(), np.empty(len(self.donors))
        step = max(1, CHUNK // len(i))
        for start in range(0, len(result), step):
            some = self.donors[start : start + step]
            at = some[:, i] * size + some[:, j]
            result[start : start + step] = flat[at + pairs].sum(axis=1, dtype=np.float64)
        return result


def _signs(values: FloatArray, rows: IntArray) -> NDArray[np.float32]:
    """The sign of every difference `(methods * methods, columns * columns)`, 0 where there is no row."""
    size, columns = rows.shape
    known = rows >= 0
    there = values[rows]
    signs = np.sign(there[:, None, :, None] - there[None, :, None, :]).astype(np.float32)
    signs *= known[:, None, :, None] & known[None, :, None, :]
    return signs.reshape(size * size, columns * columns)


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
    return Exchanges(donors, *_columns(methods, places))


def _columns(methods: IntArray, places: IntArray) -> tuple[IntArray, IntArray]:
    """`own` and `given` of Exchanges."""
    rows = np.arange(len(methods))
    order = np.lexsort((rows, places, methods))
    cell = methods[order] * (int(places.max(initial=0)) + 1) + places[order]
    _, start, size = np.unique(cell, return_index=True, return_counts=True)
    most = int(size.max(initial=1))
    shape = int(methods.max(initial=-1)) + 1, int(places.max(initial=-1)) + 1, most
    own, given = np.full((2, *shape), -1)
    for first, count in zip(start.tolist(), size.tolist(), strict=True):
        here = order[first : first + count]
        cell_at = methods[here[0]], places[here[0]]
        own[cell_at][:count] = here
        given[cell_at] = np.resize(here, most)
    return own.reshape(shape[0], -1), given.reshape(shape[0], -1)


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
