"""Sentinels: what a metric without any knowledge of the single model would reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from uqs.results.panel import FloatArray, Panel
from uqs.stats.coefficients import spearman
from uqs.stats.permutation import PermutationTest


@dataclass(frozen=True)
class Sentinels:
    """rho with the target for three stand-ins for a metric; None if undefined.

    - `benchmark_mean`: knows only the benchmark (pooled rho).
    - `method_identity`: knows only the method, by its mean rank within benchmarks (pooled rho).
    - `random`: the stratified rho that one in twenty random arrangements of the methods exceeds.
    """

    benchmark_mean: float | None
    method_identity: float | None
    random: float | None


def sentinels(
    panel: Panel, metric: FloatArray, target: FloatArray, test: PermutationTest | None
) -> Sentinels:
    """The sentinels for an aligned metric and target, over the rows that have both."""
    known = ~(np.isnan(metric) | np.isnan(target))
    benchmark, method = panel.benchmark[known], panel.method[known]
    values = metric[known]
    ranks = np.empty(len(values))
    for name in np.unique(benchmark):
        rows = benchmark == name
        ranks[rows] = rankdata(values[rows]) / rows.sum()
    return Sentinels(
        spearman(_group_mean(values, benchmark), target[known]).value,
        spearman(_group_mean(ranks, method), target[known]).value,
        test.upper if test else None,
    )


def _group_mean(values: FloatArray, groups: NDArray[np.str_]) -> FloatArray:
    """Each value replaced by the mean of its group, exactly equal within a group."""
    _, code = np.unique(groups, return_inverse=True)
    if not len(values):
        return values
    means = np.bincount(code, values) / np.bincount(code)
    return np.asarray(np.round(means, 12)[code], dtype=np.float64)
