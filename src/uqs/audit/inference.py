"""Tests and intervals whose unit is the whole method: on all benchmarks, with all seeds and strengths."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from uqs.audit.groups import Group, Pair
from uqs.results.panel import FloatArray
from uqs.stats import bootstrap, permutation
from uqs.stats.coefficients import unit_ranks
from uqs.stats.permutation import LIMIT, IntArray, PermutationTest

KENDALL_METHODS, KENDALL_WORK = 50, 1_000_000_000
"""The most methods and the most pairs of methods in the test of tau; above them the test uses ranks."""
HELD = 50_000_000
"""The most values of statistics held at once."""
LEAST = 999
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
    """Exchange whole methods, alike on all benchmarks, and test every defined pair of the group.

    All arrangements if there are at most LIMIT, else `resamples` random ones; fewer, at least LEAST, where
    the values of all pairs would not fit into HELD numbers. With more than KENDALL_METHODS methods, or
    KENDALL_WORK pairs of methods in all arrangements, the test of tau uses Spearman's rho. Rho is tau's
    projection on the ranks and orders the arrangements in almost the same way (Hajek, Sidak 1967).
    """
    count = permutation.arrangements(group.methods, group.places)
    shares = np.stack([_shares(group, pair, kind) for pair in group.pairs])
    pairs = [pair for pair, share in zip(group.pairs, shares, strict=True) if share.any()]
    if count < 2 or not pairs:
        return {}
    shares = shares[shares.any(axis=1)]
    most = max(LEAST, HELD // len(pairs))
    exact = count <= min(LIMIT, most)
    draws = None if exact else min(resamples, most)
    found = permutation.exchanges(group.methods, group.places, draws, rng)
    every = [np.arange(group.x.shape[1])] if kind is Kind.POOLED_RHO else group.strata
    signs = len(found.donors) * len(found.own) ** 2 / 2 * len(pairs) * len(every)
    by_ranks = kind is not Kind.TAU or signs > KENDALL_WORK or len(found.own) > KENDALL_METHODS
    first, second = np.array([group.at(pair) for pair in pairs]).T
    values = np.zeros((len(pairs), len(found.donors)))
    for rows, share in zip(every, shares.T, strict=True):
        here = found.within(rows)
        if by_ranks:
            x, y = _unit_ranks_of(group.x, rows), _unit_ranks_of(group.y, rows)
            for some, products in here.products(x, y):
                values[:, some] += share[:, None] * products[:, first, second].T
            continue
        untied = [_untied(variables[:, rows]) for variables in (group.x, group.y)]
        for at, (k, i) in enumerate(zip(first, second, strict=True)):
            if share[at]:
                scale = np.sqrt(untied[0][k] * untied[1][i])
                values[at] += share[at] / scale * here.balances(group.x[k], group.y[i])
    return {
        pair: permutation.two_sided(row, exact=exact)
        for pair, row in zip(pairs, values, strict=True)
    }


def _unit_ranks_of(variables: FloatArray, rows: IntArray) -> FloatArray:
    """The unit ranks of `variables` `(K, n)` among some rows; 0 for the other rows."""
    found = np.zeros_like(variables)
    found[:, rows] = unit_ranks(variables[:, rows])
    return found


def _untied(x: FloatArray) -> FloatArray:
    """The number of untied pairs of each variable of x `(K, n)`."""
    pairs = x.shape[1] * (x.shape[1] - 1) / 2
    ties = [np.unique(variable, return_counts=True)[1] for variable in x]
    return np.array([pairs - (count * (count - 1) / 2).sum() for count in ties])


def _shares(group: Group, pair: Pair, kind: Kind) -> FloatArray:
    """The weight of each stratum in the pair's statistic: the same where both variables vary, else 0."""
    first, second = group.at(pair)
    x, y = group.x[first], group.y[second]
    if kind is Kind.POOLED_RHO:
        return np.array([float(np.ptp(x) > 0 and np.ptp(y) > 0)])
    vary = np.array([float(np.ptp(x[rows]) > 0 and np.ptp(y[rows]) > 0) for rows in group.strata])
    return np.asarray(vary / max(vary.sum(), 1.0))


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
