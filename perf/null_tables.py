"""How often do tests reject tables in which nothing is related? Prints Markdown.

Method effects of the two metrics are drawn apart, so every rejection is false. Effects persist over
benchmarks, and strengths of one method are alike, as in real tables; seeds are repeats that move a little.
The naive test takes each row for an independent one, as `scipy.stats` does.
Run as `python perf/null_tables.py > perf/null_tables.md`.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest, kendalltau

from uqs.audit.groups import Pair, group_pairs
from uqs.audit.inference import Kind, permutation_tests
from uqs.results.panel import Panel

TABLES = 400
RESAMPLES = 199
LEVEL = 0.05
PAIR = Pair("X", "Y")


class Plan(NamedTuple):
    """`persists`: share of the variance of effects that is the same on all benchmarks; `alike`: correlation
    of two strengths of a method; `missing`: share of cells without a value; `rounded`: decimals, for ties."""

    benchmarks: int
    methods: int
    seeds: int = 3
    strengths: int = 1
    persists: float = 0.0
    alike: float = 0.0
    missing: float = 0.0
    rounded: int | None = None


PLANS = (
    Plan(3, 6),
    Plan(3, 6, persists=0.5),
    Plan(3, 6, persists=0.9),
    Plan(1, 6, seeds=10),
    Plan(3, 19, seeds=1, persists=0.5),
    Plan(3, 19, seeds=2, persists=0.9),
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


def null_table(rng: np.random.Generator, plan: Plan) -> Panel:
    """Two unrelated metrics; a missing cell is missing with all its seeds."""
    shape = plan.benchmarks, plan.methods, plan.strengths, plan.seeds
    keys = list(product(*map(range, shape)))
    lost = rng.random(shape[:3]) < plan.missing
    values = []
    for _ in range(2):
        one = effects(rng, plan)[..., None] + 0.1 * rng.normal(size=shape)
        one = one if plan.rounded is None else np.round(one, plan.rounded)
        one[lost] = np.nan
        values.append(one.ravel())
    names = [f"m{m:02}@{t}" if plan.strengths > 1 else f"m{m:02}" for _, m, t, _ in keys]
    return Panel(
        np.array([f"b{b}" for b, *_ in keys]),
        np.array(names),
        np.array([seed for *_, seed in keys]),
        {"X": values[0], "Y": values[1]},
        {"X": "higher", "Y": "higher"},
    )


def p_values(table: Panel, rng: np.random.Generator) -> tuple[float, ...]:
    x, y = table.values["X"], table.values["Y"]
    (group,) = group_pairs(table, table.values, table.values, [PAIR])
    tests = (permutation_tests(group, kind, RESAMPLES, rng).get(PAIR) for kind in Kind)
    ours = (1.0 if test is None else test.p for test in tests)
    known = ~np.isnan(x)
    return (*ours, float(kendalltau(x[known], y[known]).pvalue))


def described(plan: Plan) -> str:
    size = f"{plan.benchmarks} x {plan.methods}"
    size += f" x {plan.strengths}" if plan.strengths > 1 else ""
    parts = [f"{size}, {plan.seeds} seeds"]
    parts += [f"{plan.persists:.0%} persist"] if plan.persists else []
    parts += [f"strengths alike {plan.alike:g}"] if plan.alike else []
    parts += [f"{plan.missing:.0%} of cells missing"] if plan.missing else []
    parts += ["ties"] if plan.rounded is not None else []
    return "; ".join(parts)


def main() -> None:
    rng = np.random.default_rng(20)
    print(
        "# False rejections at 5%\n\n"
        f"{TABLES:,} tables per row; their two metrics are unrelated; in brackets 95% Clopper-Pearson "
        "intervals. The first three tests exchange whole methods, alike on all benchmarks and with all "
        "strengths; the last takes each row for an independent one. Benchmarks x methods (x strengths). "
        "Written by `perf/null_tables.py`.\n\n"
        "| table | tau-b, stratified | rho, stratified | rho, pooled | naive tau-b |\n|---|---|---|---|---|"
    )
    for plan in PLANS:
        rejected = np.zeros(4, dtype=int)
        for _ in range(TABLES):
            rejected += np.array(p_values(null_table(rng, plan), rng)) <= LEVEL
        cells = []
        for count in rejected:
            low, high = binomtest(int(count), TABLES).proportion_ci()
            cells.append(f"{count / TABLES:.3f} ({low:.3f} to {high:.3f})")
        print(f"| {described(plan)} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
