"""How often do tests reject tables in which nothing is related? Prints Markdown.

Method effects of the two metrics are drawn apart, so every rejection is false; seeds are repeats that move
a little. The naive test takes each row for an independent one, as `scipy.stats` does.
Run as `python perf/null_tables.py > perf/null_tables.md`.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy.stats import binomtest, kendalltau, spearmanr

from uqs.audit.groups import Pair, group_pairs
from uqs.audit.inference import Kind, permutation_tests
from uqs.results.panel import Panel

TABLES = 2000
RESAMPLES = 999
LEVEL = 0.05
PAIR = Pair("X", "Y")
DESIGNS = ((3, 4, 3, 0.0), (3, 4, 3, 2.0), (2, 12, 3, 0.0), (1, 6, 5, 0.0))
"""Benchmarks, methods, seeds, and how far the benchmarks lie apart."""


def null_table(
    rng: np.random.Generator, benchmarks: int, methods: int, seeds: int, apart: float
) -> Panel:
    """Two unrelated metrics; with `apart`, both are shifted together from benchmark to benchmark."""
    keys = list(product(range(benchmarks), range(methods), range(seeds)))
    values = rng.normal(size=(2, benchmarks, methods, 1))
    values = values + 0.1 * rng.normal(size=(2, benchmarks, methods, seeds))
    values += apart * np.arange(benchmarks)[:, None, None]
    benchmark, method, seed = (np.array(column) for column in zip(*keys, strict=True))
    return Panel(
        benchmark.astype(str),
        method.astype(str),
        seed,
        {"X": values[0].ravel(), "Y": values[1].ravel()},
        {"X": "higher", "Y": "higher"},
    )


def p_values(table: Panel, rng: np.random.Generator) -> tuple[float, float, float, float, float]:
    x, y = table.values["X"], table.values["Y"]
    (group,) = group_pairs(table, table.values, table.values, [PAIR])
    ours = (permutation_tests(group, kind, RESAMPLES, rng)[PAIR].p for kind in Kind)
    return (*ours, float(kendalltau(x, y).pvalue), float(spearmanr(x, y).pvalue))


def main() -> None:
    rng = np.random.default_rng(20)
    print(
        "# False rejections at 5%\n\n"
        f"{TABLES:,} tables per row; their two metrics are unrelated; 95% Clopper-Pearson intervals. "
        "The first three tests exchange whole methods within benchmarks; the last two take each row for "
        "an independent one. `apart` shifts both metrics from one benchmark to the next, in units of "
        "the spread of methods. Written by `perf/null_tables.py`.\n\n"
        "| benchmarks x methods x seeds | apart | tau-b, stratified | rho, stratified | rho, pooled | "
        "naive tau-b | naive rho |\n|---|---|---|---|---|---|---|"
    )
    for benchmarks, methods, seeds, apart in DESIGNS:
        rejected = np.zeros(5, dtype=int)
        for _ in range(TABLES):
            table = null_table(rng, benchmarks, methods, seeds, apart)
            rejected += np.array(p_values(table, rng)) <= LEVEL
        cells = []
        for count in rejected:
            low, high = binomtest(int(count), TABLES).proportion_ci()
            cells.append(f"{count / TABLES:.1%} ({low:.1%} to {high:.1%})")
        print(
            f"| {benchmarks} x {methods} x {seeds} | {apart:g} | {' | '.join(cells)} |", flush=True
        )


if __name__ == "__main__":
    main()
