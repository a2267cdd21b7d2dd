"""Strength as a factor of its own: what it does to each metric, and what is left at one strength."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from uqs.audit.association import Statistic, StratifiedMean, Value, stratify
from uqs.audit.groups import codes
from uqs.records import Status
from uqs.results.panel import FloatArray, Panel

DRAWS = 9999


@dataclass(frozen=True)
class StrengthEffect:
    """What the strength of the methods does to a metric.

    `mean_ranks`: for each strength the mean rank of the aligned values within a benchmark, from 0 (worst) to
    1 (best), over the `methods` that have every strength on every one of the `benchmarks`. `p`: two-sided, by
    exchanging the strengths within each whole method, alike on all benchmarks; None if no method has all.
    """

    metric: str
    mean_ranks: Mapping[str, float]
    methods: int
    benchmarks: int
    p: float | None


def strength_effects(
    panel: Panel, aligned: Mapping[str, FloatArray], rng: np.random.Generator
) -> Iterator[StrengthEffect]:
    """The effect on every metric that varies; nothing for a table with fewer than two strengths."""
    names = panel.strengths
    if len(names) < 2:
        return
    for metric, values in aligned.items():
        cube = _cube(panel, values)
        cube = cube[~np.isnan(cube).all(axis=(1, 2))]
        complete = ~np.isnan(cube).any(axis=(0, 2))
        cube = cube[:, complete]
        if not cube.size or np.ptp(cube) == 0:
            continue
        ranks = np.stack([_ranks(part) for part in cube]).mean(axis=0)
        means = ranks.mean(axis=0)
        yield StrengthEffect(
            metric,
            dict(zip(names, means.tolist(), strict=True)),
            methods=cube.shape[1],
            benchmarks=cube.shape[0],
            p=_p(ranks, rng),
        )


def at_one_strength(
    panel: Panel, x: FloatArray, y: FloatArray, statistic: Statistic
) -> StratifiedMean:
    """The mean over benchmarks and strengths of a statistic among the methods at one strength."""
    found = {}
    for benchmark, rows in panel.strata.items():
        for strength in np.unique(panel.strength[rows]).tolist():
            here = rows[panel.strength[rows] == strength]
            one = statistic(x[here], y[here])
            found[f"{benchmark} {strength}"] = Value(one.value, one.n, Status(one.status.value))
    return stratify(found)


def _cube(panel: Panel, values: FloatArray) -> FloatArray:
    """Means over seeds `(benchmarks, whole methods, strengths)`, NaN without a value."""
    names = np.array(panel.strengths)
    known = np.flatnonzero(~np.isnan(values) & (panel.strength != ""))
    methods = codes(panel.whole_method)
    shape = len(panel.benchmarks), int(methods.max()) + 1, len(names)
    strength = (panel.strength[known][:, None] == names).argmax(axis=1)
    cells = np.ravel_multi_index((codes(panel.benchmark)[known], methods[known], strength), shape)
    size = int(np.prod(shape))
    count = np.bincount(cells, minlength=size)
    total = np.bincount(cells, values[known], minlength=size)
    means = np.full(size, np.nan)
    np.divide(total, count, out=means, where=count > 0)
    return means.reshape(shape)


def _ranks(values: FloatArray) -> FloatArray:
    """Mid-ranks of `(methods, strengths)`, scaled to run from 0 to 1."""
    ranks = rankdata(values, axis=None).reshape(values.shape)
    return np.asarray((ranks - 1) / max(values.size - 1, 1), dtype=np.float64)


def _p(ranks: FloatArray, rng: np.random.Generator) -> float:
    """Ranks `(methods, strengths)` exchanged within methods; the statistic is the spread of the means."""
    drawn = rng.permuted(np.broadcast_to(ranks, (DRAWS, *ranks.shape)), axis=2)
    spread = drawn.mean(axis=1).var(axis=1)
    observed = float(ranks.mean(axis=0).var())
    return float((1 + (spread >= observed - 1e-12).sum()) / (1 + DRAWS))
