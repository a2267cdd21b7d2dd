"""Tests and intervals whose unit is the method with all its seeds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from uqs.audit.groups import Group, Pair
from uqs.results.panel import FloatArray
from uqs.stats import bootstrap, permutation
from uqs.stats.permutation import LIMIT, IntArray, Null, PermutationTest

KENDALL_WORK = 2_000_000_000
"""The largest number of pair signs in the test of tau; above it the test uses ranks."""
BOOTSTRAP_METHODS = 8
BOOTSTRAP_WORK = 20_000_000_000
COVERAGE = 0.9
"""An interval needs a defined coefficient in at least this share of resamples."""


class Kind(StrEnum):
    """What is tested: a mean over benchmarks, or a sum over all rows."""

    TAU = "stratified tau-b"
    RHO = "stratified rho"
    POOLED_RHO = "pooled rho"


@dataclass(frozen=True)
class Interval:
    """A 95% percentile interval, or the reason why it is missing."""

    low: float | None
    high: float | None
    reason: str | None = None


def permutation_tests(
    group: Group, kind: Kind, resamples: int, rng: np.random.Generator
) -> dict[Pair, PermutationTest]:
    """Exchange methods within benchmarks and test every defined pair of the group.

    If tau would need more than KENDALL_WORK signs, its test uses Spearman's rho. Rho is tau's projection on
    the ranks and orders the arrangements in almost the same way (Hajek, Sidak 1967).
    """
    counts = [permutation.arrangements(group.methods[rows]) for rows in group.strata]
    seeds = [int(seed) for seed in rng.integers(2**63, size=len(counts) + 1)]
    defined = {pair: _defined(group, pair, kind) for pair in group.pairs}
    total = {pair: _product(itertools.compress(counts, defined[pair])) for pair in group.pairs}
    kernel = _kernel(group, kind, by_ranks=_signs(group, counts, resamples) > KENDALL_WORK)
    parts: dict[Pair, list[Null]] = {pair: [] for pair in group.pairs if total[pair] > 1}
    for stratum, rows in enumerate(group.strata):
        for exact in (True, False):
            pairs = [p for p in parts if defined[p][stratum] and (total[p] <= LIMIT) == exact]
            if not pairs:
                continue
            generator = np.random.default_rng(seeds[stratum])
            draws = None if exact else resamples
            values = kernel(rows, permutation.orders(group.methods[rows], draws, generator))
            for pair in pairs:
                first, second = group.at(pair)
                share = 1 if kind is Kind.POOLED_RHO else sum(defined[pair])
                parts[pair].append(Null(values[:, first, second] / share, exact))
    return {
        pair: permutation.combine(nulls, resamples, np.random.default_rng(seeds[-1]))
        for pair, nulls in parts.items()
    }


Kernel = Callable[[IntArray, NDArray[np.intp]], FloatArray]
"""One stratum's part of the statistic, from its rows and their orders: `(orders, K, L)`."""


def _kernel(group: Group, kind: Kind, *, by_ranks: bool) -> Kernel:
    if kind is Kind.POOLED_RHO:
        pooled_x, pooled_y = _unit_ranks(group.x), _unit_ranks(group.y)
        return lambda rows, orders: permutation.products(
            pooled_x[:, rows], pooled_y[:, rows], orders
        )

    def kernel(rows: IntArray, orders: NDArray[np.intp]) -> FloatArray:
        x, y = group.x[:, rows], group.y[:, rows]
        if kind is Kind.RHO or by_ranks:
            return permutation.products(_unit_ranks(x), _unit_ranks(y), orders)
        values = permutation.balances(x, y, orders)
        values /= np.maximum(np.sqrt(np.outer(_untied(x), _untied(y))), 1)
        return values

    return kernel


def _unit_ranks(x: FloatArray) -> FloatArray:
    """Centred mid-ranks divided by their norm, so that inner products are Spearman's rho."""
    ranks: FloatArray = rankdata(x, axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    norm = np.sqrt((ranks**2).sum(axis=1, keepdims=True))
    norm[norm == 0] = 1
    ranks /= norm
    return ranks


def _untied(x: FloatArray) -> FloatArray:
    """The number of untied pairs of each variable of x `(K, n)`."""
    pairs = x.shape[1] * (x.shape[1] - 1) / 2
    ties = [np.unique(variable, return_counts=True)[1] for variable in x]
    return np.array([pairs - (count * (count - 1) / 2).sum() for count in ties])


def _defined(group: Group, pair: Pair, kind: Kind) -> list[bool]:
    """For each benchmark, whether both variables vary; for a pooled statistic, over all rows."""
    first, second = group.at(pair)
    if kind is Kind.POOLED_RHO:
        return [bool(np.ptp(group.x[first]) and np.ptp(group.y[second]))] * len(group.strata)
    x, y = group.x[first], group.y[second]
    return [bool(np.ptp(x[rows]) and np.ptp(y[rows])) for rows in group.strata]


def _product(counts: Iterable[int]) -> int:
    """The product, or any number above LIMIT if it exceeds LIMIT."""
    total = 1
    for count in counts:
        total *= count
        if total > LIMIT:
            break
    return total


def _signs(group: Group, counts: list[int], resamples: int) -> float:
    """How many pair signs the exact or sampled test of tau would need."""
    exact = _product(counts) <= LIMIT
    every = [count if exact else resamples for count in counts]
    pairs = [len(rows) ** 2 / 2 for rows in group.strata]
    return len(group.y) * sum(a * b for a, b in zip(every, pairs, strict=True))


def bootstrap_intervals(
    group: Group, kind: Kind, resamples: int, rng: np.random.Generator
) -> dict[Pair, Interval]:
    """Percentile intervals of the stratified mean; methods and benchmarks are drawn with replacement.

    The pigeonhole bootstrap for two crossed factors (Owen 2007): the weight of a row is the draw count of its
    method times that of its benchmark. Refused with fewer than BOOTSTRAP_METHODS methods, because resampling
    a few units says little about the population, and above BOOTSTRAP_WORK.
    """
    count = len(np.unique(group.methods))
    if count < BOOTSTRAP_METHODS:
        reason = f"{count} methods; a bootstrap over methods needs {BOOTSTRAP_METHODS}"
        return dict.fromkeys(group.pairs, Interval(None, None, reason))
    variables = len(group.x) + len(group.y)
    if kind is Kind.TAU:
        work = variables**2 * count**2 * (resamples * len(group.strata) + len(group.methods))
    else:
        work = variables * resamples * sum(len(rows) ** 2 for rows in group.strata)
    if work > BOOTSTRAP_WORK:
        reason = "too many rows in a benchmark for a bootstrap within the work limit"
        return dict.fromkeys(group.pairs, Interval(None, None, reason))
    methods = np.unique(group.methods, return_inverse=True)[1].astype(np.int64)
    drawn = bootstrap.draws(count, resamples, rng)
    strata = len(group.strata)
    benchmarks = bootstrap.draws(strata, resamples, rng) if strata > 1 else np.ones((resamples, 1))
    total, weight = np.zeros((2, resamples, len(group.x), len(group.y)))
    for stratum, rows in enumerate(group.strata):
        values = _resampled(group, kind, rows, methods[rows], drawn)
        known = ~np.isnan(values)
        share = benchmarks[:, stratum, None, None]
        total += np.where(known, share * values, 0)
        weight += known * share
    return {
        pair: _interval(*(a[:, *group.at(pair)] for a in (total, weight))) for pair in group.pairs
    }


def _resampled(
    group: Group, kind: Kind, rows: IntArray, methods: IntArray, drawn: FloatArray
) -> FloatArray:
    x, y = group.x[:, rows], group.y[:, rows]
    if kind is Kind.TAU:
        both = bootstrap.concordance(np.vstack([x, y]), methods, drawn.shape[1]).tau_b(drawn)
        return both[:, : len(x), len(x) :]
    return bootstrap.weighted_spearman(x, y, drawn[:, methods])


def _interval(total: FloatArray, weight: FloatArray) -> Interval:
    known = weight > 0
    if known.mean() < COVERAGE:
        return Interval(None, None, f"defined in {known.mean():.0%} of the resamples only")
    low, high = np.quantile(total[known] / weight[known], [0.025, 0.975])
    return Interval(float(low), float(high))
