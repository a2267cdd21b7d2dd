"""The published procedures, exactly as they were applied. Several are wrong: nothing else may use them.

Each function gives the printed figure from the published rows (Khan, Laga, Sohel 2026, arXiv 2605.02206).
`uqs reproduce` says what is wrong with each, and what a correct statistic says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from uqs.score.figures import LOWER_IS_BETTER, METRICS

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
ADForm = Literal["inverse", "exp"]
PAIRS = tuple(combinations(METRICS, 2))


@dataclass(frozen=True)
class SignificanceTest:
    """A statistic and its p-value."""

    value: float
    p: float


@dataclass(frozen=True)
class Span:
    """The smallest and largest value over all orders of the same rows."""

    low: float
    high: float


@dataclass(frozen=True)
class Spread:
    """Mean and population standard deviation."""

    mean: float
    sd: float


def order_ranks(goodness: FloatArray) -> IntArray:
    """Ranks along the last axis, 0 for the best, ties broken by position: `argsort` of `argsort`."""
    return np.argsort(np.argsort(-goodness, axis=-1, kind="stable"), axis=-1, kind="stable")


def tau_of_ranks(a: IntArray, b: IntArray) -> FloatArray:
    """Kendall tau along the last axis of two arrays of ranks without ties."""
    n = a.shape[-1]
    first, second = np.triu_indices(n, k=1)
    concordance = np.sign((a[..., first] - a[..., second]) * (b[..., first] - b[..., second]))
    return np.asarray(concordance.mean(axis=-1), dtype=np.float64)


def aligned(frame: pd.DataFrame, metric: str) -> FloatArray:
    """The metric, negated if lower is better."""
    values = frame[metric].to_numpy(dtype=np.float64)
    return -values if metric in LOWER_IS_BETTER else values


def _groups(frame: pd.DataFrame, metric: str) -> FloatArray:
    """The aligned metric as (group, row in group); a group is a benchmark and seed."""
    values = pd.Series(aligned(frame, metric), index=frame.index)
    parts = [
        values[part.index].to_numpy() for _, part in frame.groupby(["benchmark", "seed"], sort=True)
    ]
    return np.array(parts)


def group_tau(frame: pd.DataFrame, a: str, b: str) -> SignificanceTest:
    """Mean over groups of the tau of order ranks; p from a t test of the groups' taus against 0."""
    taus = tau_of_ranks(order_ranks(_groups(frame, a)), order_ranks(_groups(frame, b)))
    return SignificanceTest(float(taus.mean()), float(stats.ttest_1samp(taus, 0.0).pvalue))


def row_order_span(frame: pd.DataFrame, a: str, b: str) -> Span:
    """The range of `group_tau` over all orders of the rows within a group (the same in every group)."""
    first, second = _groups(frame, a), _groups(frame, b)
    taus = [
        float(tau_of_ranks(order_ranks(first[:, order]), order_ranks(second[:, order])).mean())
        for order in map(list, permutations(range(first.shape[1])))
    ]
    return Span(min(taus), max(taus))


def mean_pairwise_tau(frame: pd.DataFrame, *, align: bool) -> float:
    """Mean over metric pairs of tau_b over all pooled rows; rows with NaN are left out per pair.

    The published figure has `align=False`: it ignores that the better directions of metrics differ.
    """
    columns = {
        m: aligned(frame, m) if align else frame[m].to_numpy(dtype=np.float64) for m in METRICS
    }
    taus = []
    for a, b in PAIRS:
        known = ~(np.isnan(columns[a]) | np.isnan(columns[b]))
        taus.append(stats.kendalltau(columns[a][known], columns[b][known]).statistic)
    return float(np.mean(taus))


def reliability(frame: pd.DataFrame, metric: str) -> SignificanceTest:
    """Spearman's rho over all rows between the aligned metric and minus the oracle distance."""
    distance = frame["oracle_distance"].to_numpy(dtype=np.float64)
    result = stats.spearmanr(aligned(frame, metric), -distance)
    return SignificanceTest(float(result.statistic), float(result.pvalue))


def weights(frame: pd.DataFrame) -> dict[str, float]:
    """`max(rho, 0.01)` of each metric, normalised to sum 1, from the same rows that are then scored."""
    floored = {metric: max(reliability(frame, metric).value, 0.01) for metric in METRICS}
    total = sum(floored.values())
    return {metric: value / total for metric, value in floored.items()}


def weights_without(frame: pd.DataFrame, benchmark: str) -> dict[str, float]:
    """`weights` of the rows of the other benchmarks."""
    return weights(frame[frame["benchmark"] != benchmark])


def _method_terms(frame: pd.DataFrame, ad_form: ADForm) -> tuple[list[str], FloatArray]:
    means = frame.groupby("method", sort=True)[list(METRICS)].mean()
    ad = means["AD"].to_numpy()
    terms = np.column_stack(
        [
            1 - means["FA"].to_numpy(),
            means["RA"].to_numpy(),
            1 - means["MIA"].to_numpy(),
            1 / (1 + ad) if ad_form == "inverse" else np.exp(-ad / 100),
            1 - means["JS"].to_numpy(),
        ]
    )
    return list(means.index), terms


def uqs(
    frame: pd.DataFrame, by_metric: Mapping[str, float], ad_form: ADForm = "inverse"
) -> dict[str, float]:
    """The weighted sum of the terms of each method's mean run."""
    methods, terms = _method_terms(frame, ad_form)
    scores = terms @ _vector(by_metric)
    return dict(zip(methods, scores.tolist(), strict=True))


def stability(
    frame: pd.DataFrame, by_metric: Mapping[str, float], ad_form: ADForm = "inverse"
) -> Spread:
    """Tau between the rankings under 100 uniform random weights and the one under `by_metric`."""
    _, terms = _method_terms(frame, ad_form)
    # The published draws came from the legacy generator with seed 42; another generator draws differently.
    draws = np.random.RandomState(42).dirichlet(np.ones(len(METRICS)), size=100)
    base = order_ranks(terms @ _vector(by_metric))
    taus = tau_of_ranks(order_ranks(draws @ terms.T), np.broadcast_to(base, (100, len(base))))
    return Spread(float(taus.mean()), float(taus.std()))


def first_shares(
    frame: pd.DataFrame, ad_form: ADForm, rng: np.random.Generator, draws: int = 100_000
) -> dict[str, float]:
    """The share of uniform random weights under which each method's mean run scores highest."""
    methods, terms = _method_terms(frame, ad_form)
    first = np.argmax(rng.dirichlet(np.ones(len(METRICS)), size=draws) @ terms.T, axis=1)
    shares = np.bincount(first, minlength=len(methods)) / draws
    return dict(zip(methods, shares.tolist(), strict=True))


def two_method_tau(rows: Mapping[str, Mapping[str, float]], a: str, b: str) -> float | None:
    """Tau between two metrics over methods with one run each; None if a metric is all ties."""
    frame = pd.DataFrame.from_dict({m: dict(v) for m, v in rows.items()}, orient="index")
    first, second = aligned(frame, a), aligned(frame, b)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(stats.kendalltau(first, second).statistic)


def _vector(by_metric: Mapping[str, float], metrics: Sequence[str] = METRICS) -> FloatArray:
    return np.array([by_metric[metric] for metric in metrics])
