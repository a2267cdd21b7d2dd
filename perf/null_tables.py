"""How often do tests reject tables in which nothing is related? Prints Markdown.

Method effects of the two metrics are drawn apart, so every rejection is false. Effects persist over
benchmarks, and strengths of one method are alike, as in real tables; seeds are repeats that move a little.
The naive test takes each row for an independent one, as `scipy.stats` does.

    python perf/null_tables.py --tables 2000 > perf/null_tables.md

BATCH tables of a plan are tested together, by the same arrangements; each batch draws its own.
"""

from __future__ import annotations

import argparse
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest, kendalltau

from uqs.audit.design import LEAST_METHODS
from uqs.audit.groups import Pair, group_pairs
from uqs.audit.inference import Kind, permutation_tests
from uqs.results.panel import Panel
from uqs.text import count

TABLES = 2000
BATCH = 10
RESAMPLES = 199
LEVEL = 0.05


class Plan(NamedTuple):
    """`uneven`: methods have 1, 2, ... `seeds` seeds in turn. `persists`: share of the variance of
    effects that is the same on all benchmarks; `alike`: correlation of two strengths of a method; `missing`:
    share of cells without a value; `rounded`: decimals, for ties."""

    benchmarks: int
    methods: int
    seeds: int = 3
    uneven: bool = False
    strengths: int = 1
    persists: float = 0.0
    alike: float = 0.0
    missing: float = 0.0
    rounded: int | None = None


PLANS = (
    Plan(3, 4, persists=0.9),
    Plan(1, 4, seeds=10),
    Plan(3, 8),
    Plan(3, 8, persists=0.5),
    Plan(3, 8, persists=0.9),
    Plan(1, 8, seeds=10),
    Plan(3, 8, persists=0.9, uneven=True),
    Plan(3, 8, seeds=1, strengths=3, persists=0.9, alike=0.8),
    Plan(3, 8, persists=0.9, missing=0.3),
    Plan(3, 8, persists=0.9, rounded=0),
    Plan(3, 19),
    Plan(3, 19, seeds=1, persists=0.5),
    Plan(3, 19, seeds=2, persists=0.9),
    Plan(3, 19, persists=0.9, uneven=True),
    Plan(1, 19, seeds=1, strengths=3),
    Plan(1, 19, seeds=1, strengths=3, alike=0.8),
    Plan(3, 19, seeds=1, strengths=3, persists=0.9, alike=0.5),
    Plan(3, 19, seeds=1, strengths=3, persists=0.9, alike=0.8),
    Plan(3, 19, persists=0.9, missing=0.3),
    Plan(3, 19, persists=0.9, rounded=0),
)


def effects(rng: np.random.Generator, plan: Plan) -> np.ndarray:
    """`(benchmarks, methods, strengths)` with variance 1."""
    found = np.zeros((plan.benchmarks, plan.methods, plan.strengths))
    for persists, benchmarks in ((plan.persists, 1), (1 - plan.persists, plan.benchmarks)):
        for alike, strengths in ((plan.alike, 1), (1 - plan.alike, plan.strengths)):
            drawn = rng.normal(size=(benchmarks, plan.methods, strengths))
            found += np.sqrt(persists * alike) * drawn
    return found


def null_tables(rng: np.random.Generator, plan: Plan, tables: int) -> Panel:
    """Tables of two unrelated metrics each, `X0` and `Y0` and so on, side by side on the same rows.

    A missing cell is missing with all its seeds, for both metrics of its table.
    """
    shape = plan.benchmarks, plan.methods, plan.strengths, plan.seeds
    keys = list(product(*map(range, shape)))
    kept = [not plan.uneven or seed <= method % plan.seeds for _, method, _, seed in keys]
    values = {}
    for table in range(tables):
        lost = rng.random(shape[:3]) < plan.missing
        for name in "XY":
            one = effects(rng, plan)[..., None] + 0.1 * rng.normal(size=shape)
            one = one if plan.rounded is None else np.round(one, plan.rounded)
            one[lost] = np.nan
            values[f"{name}{table}"] = one.ravel()[kept]
    keys = [key for key, keep in zip(keys, kept, strict=True) if keep]
    names = [f"m{m:02}@{t}" if plan.strengths > 1 else f"m{m:02}" for _, m, t, _ in keys]
    return Panel(
        np.array([f"b{b}" for b, *_ in keys]),
        np.array(names),
        np.array([seed for *_, seed in keys]),
        values,
        dict.fromkeys(values, "higher"),
    )


def rejections(panel: Panel, tables: int, rng: np.random.Generator) -> np.ndarray:
    """How many of the tables each of the three tests, and the naive one, reject."""
    found = np.zeros(len(Kind) + 1, dtype=int)
    pairs = [Pair(f"X{table}", f"Y{table}") for table in range(tables)]
    testable = len(np.unique(panel.whole_method)) >= LEAST_METHODS
    for group in group_pairs(panel, panel.values, panel.values, pairs):
        for at, kind in enumerate(Kind):
            tests = permutation_tests(group, kind, RESAMPLES, rng).values()
            found[at] += testable * sum(test.p <= LEVEL for test in tests)
    for pair in pairs:
        x, y = (panel.values[name] for name in pair)
        known = ~np.isnan(x)
        found[-1] += kendalltau(x[known], y[known]).pvalue <= LEVEL
    return found


def described(plan: Plan) -> str:
    size = f"{plan.benchmarks} x {plan.methods}"
    size += f" x {plan.strengths}" if plan.strengths > 1 else ""
    parts = [f"{size}, {'1 to ' if plan.uneven else ''}{count(plan.seeds, 'seed')}"]
    parts += [f"{plan.persists:.0%} persist"] if plan.persists else []
    parts += [f"strengths alike {plan.alike:g}"] if plan.alike else []
    parts += [f"{plan.missing:.0%} of cells missing"] if plan.missing else []
    parts += ["ties"] if plan.rounded is not None else []
    return "; ".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tables", type=int, default=TABLES, help="tables per row")
    tables = parser.parse_args().tables
    rng = np.random.default_rng(20)
    print(
        "# False rejections at 5%\n\n"
        f"{tables:,} tables per row; their two metrics are unrelated; in brackets 95% Clopper-Pearson "
        "intervals. The first three tests exchange whole methods, alike on all benchmarks and with all "
        "strengths; the last takes each row for an independent one. Benchmarks x methods (x strengths). "
        f"With fewer than {LEAST_METHODS} methods the audit calls nothing significant. Written by "
        "`perf/null_tables.py`.\n\n"
        "| table | tau-b, stratified | rho, stratified | rho, pooled | naive tau-b |\n|---|---|---|---|---|"
    )
    for plan in PLANS:
        rejected = np.zeros(len(Kind) + 1, dtype=int)
        for begun in range(0, tables, BATCH):
            size = min(BATCH, tables - begun)
            rejected += rejections(null_tables(rng, plan, size), size, rng)
        cells = []
        for number in rejected:
            low, high = binomtest(int(number), tables).proportion_ci()
            cells.append(f"{number / tables:.3f} ({low:.3f} to {high:.3f})")
        print(f"| {described(plan)} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
