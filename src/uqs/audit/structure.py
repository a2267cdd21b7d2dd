"""All metrics together: do they agree, do they form groups, do they separate the methods?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from uqs.audit.design import LEAST_METHODS
from uqs.audit.groups import codes, place_codes
from uqs.results.panel import FloatArray, Panel
from uqs.stats import bootstrap
from uqs.stats.factors import second_factor
from uqs.stats.structure import Friedman, average_linkage, friedman, kendall_w, two_clusters

FACTOR_WORK = 20_000_000
"""The largest number of ranks for the test of a second factor."""
DRAWS = 199
"""Tables made again to ask whether there is a second factor."""
METHODS = 30
"""The largest number of methods for Friedman and Nemenyi, which compare every pair."""
WORK = 20_000_000_000
"""The largest number of multiplications for the resampled agreement of all pairs."""


@dataclass(frozen=True)
class Concordance:
    """Kendall's W of the metrics that vary in a benchmark; None with fewer than two."""

    benchmark: str
    w: float | None
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Join:
    """Two groups of metrics that join at the distance 1 - tau."""

    left: tuple[str, ...]
    right: tuple[str, ...]
    distance: float


@dataclass(frozen=True)
class CoClustering:
    """How often two metrics are in the same of two clusters if methods are resampled."""

    a: str
    b: str
    frequency: float


@dataclass(frozen=True)
class Clusters:
    """Average-linkage clusters of metrics on 1 - stratified tau-b, and the support of two clusters.

    `groups`: the two clusters of the table itself. `support`: the share of resamples with exactly these two
    clusters, among the `resamples` in which every tau was defined. `second_factor_p`: the p of the hypothesis
    that one factor, with signs, explains all agreement; one factor gives two stable clusters too, its two
    signs. `reason` says why clusters or support are missing; `left_out` names metrics without a defined tau.
    """

    joins: tuple[Join, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    support: float | None = None
    second_factor_p: float | None = None
    together: tuple[CoClustering, ...] = ()
    resamples: int = 0
    left_out: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True)
class Separation:
    """Friedman's test of whether a metric ranks the methods alike on all benchmarks, with Nemenyi's data.

    Whole methods are compared: the strengths of a method are averaged.
    """

    metric: str
    methods: tuple[str, ...]
    test: Friedman


def cell_means(panel: Panel, values: FloatArray, *, whole: bool = False) -> FloatArray:
    """Means over seeds `(benchmarks, methods)`, in the panel's name order; NaN without a value.

    With `whole`, means over seeds and strengths, of whole methods.
    """
    known = ~np.isnan(values)
    names = panel.whole_method if whole else panel.method
    shape = len(panel.benchmarks), len(np.unique(names))
    places = [codes(panel.benchmark), codes(names)]
    cells = np.ravel_multi_index((places[0][known], places[1][known]), shape)
    count = np.bincount(cells, minlength=shape[0] * shape[1])
    total = np.bincount(cells, values[known], minlength=len(count))
    means = np.full(len(count), np.nan)
    np.divide(total, count, out=means, where=count > 0)
    return means.reshape(shape)


def concordance(panel: Panel, aligned: Mapping[str, FloatArray]) -> Iterator[Concordance]:
    """Kendall's W over the methods that every varying metric measures, for each benchmark."""
    means = {name: cell_means(panel, values) for name, values in aligned.items()}
    for at, benchmark in enumerate(panel.benchmarks):
        rows = {name: table[at] for name, table in means.items()}
        varying = {n: row for n, row in rows.items() if np.unique(row[~np.isnan(row)]).size > 1}
        scores = np.array(list(varying.values())).reshape(len(varying), len(panel.methods))
        shared = scores[:, ~np.isnan(scores).any(axis=0)]
        yield Concordance(benchmark, kendall_w(shared), tuple(varying))


def separations(panel: Panel, aligned: Mapping[str, FloatArray]) -> Iterator[Separation]:
    """Friedman's test of every metric over the methods that it measures on every benchmark."""
    names = np.unique(panel.whole_method)
    for metric, values in aligned.items():
        scores = cell_means(panel, values, whole=True)
        complete = ~np.isnan(scores).any(axis=0)
        if 2 < complete.sum() <= METHODS and (test := friedman(scores[:, complete])):
            methods = names[complete]
            yield Separation(metric, tuple(map(str, methods)), test)


def cluster(
    panel: Panel,
    aligned: Mapping[str, FloatArray],
    tau: Mapping[frozenset[str], float | None],
    resamples: int,
    rng: np.random.Generator,
) -> Clusters:
    """Cluster metrics; `tau` has the stratified tau-b of every pair."""
    names = _with_defined_tau(tuple(aligned), tau)
    left_out = tuple(name for name in aligned if name not in names)
    if len(names) < 3:
        return Clusters(left_out=left_out, reason="fewer than three metrics have a defined tau")
    distance = np.zeros((1, len(names), len(names)))
    for (i, a), (j, b) in combinations(enumerate(names), 2):
        distance[0, i, j] = distance[0, j, i] = 1 - (tau[frozenset((a, b))] or 0.0)
    joins = tuple(
        Join(tuple(names[k] for k in m.left), tuple(names[k] for k in m.right), m.distance)
        for m in average_linkage(distance[0])
    )
    observed = two_clusters(distance)
    groups = tuple(sorted({tuple(itertools.compress(names, row)) for row in observed[0]}))
    drawn = _drawn_distances(panel, [aligned[name] for name in names], resamples, rng)
    if not len(drawn):
        reason = "no support: the methods could not be drawn again"
        return Clusters(joins, groups, left_out=left_out, reason=reason)
    same = two_clusters(drawn)
    return Clusters(
        joins,
        groups,
        second_factor_p=_second_factor(panel, [aligned[name] for name in names], resamples, rng),
        support=float((same == observed).all(axis=(1, 2)).mean()),
        together=tuple(
            CoClustering(names[i], names[j], float(same[:, i, j].mean()))
            for i, j in combinations(range(len(names)), 2)
        ),
        resamples=len(drawn),
        left_out=left_out,
    )


def _second_factor(
    panel: Panel, columns: list[FloatArray], resamples: int, rng: np.random.Generator
) -> float | None:
    """Over the rows that have all metrics, means over seeds; None for very large tables."""
    scores = np.stack(columns)
    rows = np.flatnonzero(~np.isnan(scores).any(axis=0))
    methods, places = codes(panel.whole_method[rows]), place_codes(panel)[rows]
    if len(np.unique(methods)) < LEAST_METHODS:
        return None
    cells = codes(methods * (int(places.max()) + 1) + places)
    count = np.bincount(cells)
    means = np.stack([np.bincount(cells, column[rows]) / count for column in scores])
    first = np.unique(cells, return_index=True)[1]
    draws = min(resamples, DRAWS)
    if means.size * draws > FACTOR_WORK:
        return None
    benchmarks = codes(panel.benchmark[rows][first])
    strata = [np.flatnonzero(benchmarks == one) for one in range(int(benchmarks.max()) + 1)]
    return second_factor(means, strata, methods[first], codes(places[first]), draws, rng)


def _with_defined_tau(
    names: tuple[str, ...], tau: Mapping[frozenset[str], float | None]
) -> tuple[str, ...]:
    """Repeatedly drop the metric with most undefined pairs until every pair is defined."""
    while len(names) > 1:
        undefined = {a: sum(tau[frozenset((a, b))] is None for b in names if b != a) for a in names}
        worst = max(names, key=lambda name: (undefined[name], name))
        if not undefined[worst]:
            break
        names = tuple(name for name in names if name != worst)
    return names


def _drawn_distances(
    panel: Panel, columns: list[FloatArray], resamples: int, rng: np.random.Generator
) -> FloatArray:
    """1 - stratified tau-b `(drawn, K, K)` with resampled methods, over rows that have all metrics.

    Resamples with an undefined tau are left out; no resamples are made if they would cost more than WORK.
    """
    scores = np.stack(columns)
    rows = ~np.isnan(scores).any(axis=0)
    methods, code = np.unique(panel.whole_method[rows], return_inverse=True)
    scores, benchmarks = scores[:, rows], panel.benchmark[rows]
    work = len(columns) ** 2 * len(methods) ** 2 * (resamples + len(panel))
    if len(methods) < 3 or work > WORK:
        return np.empty((0, len(columns), len(columns)))
    weights = bootstrap.draws(len(methods), resamples, rng)
    total, known = np.zeros((2, resamples, len(columns), len(columns)))
    for benchmark in np.unique(benchmarks):
        here = benchmarks == benchmark
        taus = bootstrap.concordance(scores[:, here], code[here], len(methods)).tau_b(weights)
        total += np.nan_to_num(taus)
        known += ~np.isnan(taus)
    complete = known.min(axis=(1, 2)) > 0
    return np.asarray(1 - total[complete] / known[complete], dtype=np.float64)
