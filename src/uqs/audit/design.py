"""The size of a table, and what it can show at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from uqs.audit.groups import codes, place_codes
from uqs.results.panel import Panel
from uqs.stats.permutation import LIMIT, alike, arrangements
from uqs.stats.power import detectable_tau, smallest_p

WORK = 40_000_000_000
"""The largest number of multiplications in a permutation test; larger tables get fewer resamples."""
LEAST = 999
MANY = 10**15
LEVEL = 0.05
LEAST_METHODS = 5
"""With fewer methods nothing is called significant: four have 24 arrangements, and only the most extreme of
them has a p below .05, before any correction."""


@dataclass(frozen=True)
class Design:
    """The size of a table. A cell is a method on a benchmark; its seeds and strengths are repeats.

    `methods`: whole methods, with all their strengths. `arrangements`: the number of ways to exchange whole
    methods; None if above MANY. `min_p`: the smallest p that a test of the whole design can reach.
    `testable`: whether anything can be significant; not with fewer than LEAST_METHODS methods.
    `min_detectable_tau`: the smallest true tau of two metrics that is found in 80% of such tables at 5%; None
    if there is no such tau.
    """

    rows: int
    cells: int
    methods: int
    benchmarks: int
    strengths: int
    seeds: int
    arrangements: int | None
    exact: bool
    resamples: int
    min_p: float | None
    testable: bool
    min_detectable_tau: float | None


def describe(panel: Panel, resamples: int) -> Design:
    """Describe a panel; `resamples` is lowered, at most to LEAST, if the work would exceed WORK.

    Rows without any value (a benchmark whose gates failed) show nothing and are not counted.
    """
    valued = np.any([np.isfinite(values) for values in panel.values.values()], axis=0)
    panel = panel.take(valued) if np.any(valued) else panel
    methods = codes(panel.whole_method)
    cells = len({*zip(panel.benchmark.tolist(), methods.tolist(), strict=True)})
    total = arrangements(methods, place_codes(panel))
    affordable = WORK // max(1, len(panel) * len(panel.metrics) ** 2)
    drawn = min(resamples, max(LEAST, affordable))
    count = int(methods.max()) + 1
    min_p = smallest_p(total, drawn, LIMIT, symmetric=count == len(panel))
    return Design(
        rows=len(panel),
        cells=cells,
        methods=count,
        benchmarks=len(panel.benchmarks),
        strengths=len(panel.strengths),
        seeds=len(np.unique(panel.seed)),
        arrangements=total if total <= MANY else None,
        exact=total <= LIMIT,
        resamples=drawn,
        min_p=min_p,
        testable=count >= LEAST_METHODS and min_p is not None and min_p <= LEVEL,
        min_detectable_tau=detectable_tau(
            max(len(group) for group in alike(methods, place_codes(panel))),
            len(panel.benchmarks),
            max(1, len(panel.strengths)),
        ),
    )
