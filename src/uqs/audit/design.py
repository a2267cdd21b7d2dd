"""The size of a table, and what it can show at all."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from uqs.results.panel import Panel
from uqs.stats.permutation import LIMIT, arrangements
from uqs.stats.power import detectable_tau, smallest_p

WORK = 40_000_000_000
"""The largest number of multiplications in a permutation test; larger tables get fewer resamples."""
LEAST = 999
MANY = 10**15


@dataclass(frozen=True)
class Design:
    """The size of a table. A cell is a method on a benchmark; its seeds are repeats.

    `arrangements`: the number of ways to exchange methods within benchmarks; None if above MANY. `min_p`: the
    smallest p that a stratified test of the whole design can reach. `min_detectable_tau`: the smallest true
    tau that it finds in 80% of tables at 5%; None if there is no such tau.
    """

    rows: int
    cells: int
    methods: int
    benchmarks: int
    seeds: int
    arrangements: int | None
    exact: bool
    resamples: int
    min_p: float | None
    min_detectable_tau: float | None


def describe(panel: Panel, resamples: int, rng: np.random.Generator) -> Design:
    """Describe a panel; `resamples` is lowered, at most to LEAST, if the work would exceed WORK.

    Rows without any value (a benchmark whose gates failed) show nothing and are not counted.
    """
    valued = np.any([np.isfinite(values) for values in panel.values.values()], axis=0)
    panel = panel.take(valued) if np.any(valued) else panel
    cells = {(str(b), str(m)) for b, m in zip(panel.benchmark, panel.method, strict=True)}
    codes = np.unique(panel.method, return_inverse=True)[1].astype(np.int64)
    blocks = [codes[panel.benchmark == benchmark] for benchmark in panel.benchmarks]
    total = prod(arrangements(block) for block in blocks)
    affordable = WORK // max(1, len(panel) * len(panel.metrics) ** 2)
    drawn = min(resamples, max(LEAST, affordable))
    return Design(
        rows=len(panel),
        cells=len(cells),
        methods=len(panel.methods),
        benchmarks=len(panel.benchmarks),
        seeds=len(np.unique(panel.seed)),
        arrangements=total if total <= MANY else None,
        exact=total <= LIMIT,
        resamples=drawn,
        min_p=smallest_p(total, drawn, LIMIT, repeats=len(cells) < len(panel)),
        min_detectable_tau=detectable_tau([len(np.unique(block)) for block in blocks], rng),
    )
