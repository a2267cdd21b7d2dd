"""How often do the audit's intervals of agreement hold the true value? Prints Markdown.

Two metrics whose method effects correlate; effects persist over benchmarks, and strengths of one method are
alike, as in real tables. The true value is that of very many methods on the same benchmarks.
Run as `python perf/intervals.py > perf/intervals.md`.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from uqs.audit.groups import Pair, group_pairs
from uqs.audit.inference import Kind, bootstrap_intervals
from uqs.results.panel import Panel

TABLES = 400
RESAMPLES = 499
PAIR = Pair("X", "Y")


class Plan(NamedTuple):
    """`persists`: share of the variance of effects that is the same on all benchmarks."""

    benchmarks: int
    methods: int
    strengths: int
    persists: float
    correlation: float


PLANS = (
    Plan(1, 19, 1, 0.0, 0.5),
    Plan(3, 8, 1, 0.9, 0.5),
    Plan(3, 19, 1, 0.0, 0.5),
    Plan(3, 19, 1, 0.9, 0.0),
    Plan(3, 19, 1, 0.9, 0.5),
    Plan(3, 19, 1, 0.9, 0.9),
    Plan(3, 19, 3, 0.9, 0.5),
)


def effects(rng: np.random.Generator, plan: Plan) -> np.ndarray:
    """`(benchmarks, methods, strengths)` with variance 1; strengths of a method correlate by .8."""
    found = np.zeros((plan.benchmarks, plan.methods, plan.strengths))
    for persists, benchmarks in ((plan.persists, 1), (1 - plan.persists, plan.benchmarks)):
        for alike, strengths in ((0.8, 1), (0.2, plan.strengths)):
            drawn = rng.normal(size=(benchmarks, plan.methods, strengths))
            found += np.sqrt(persists * alike) * drawn
    return found


def table(rng: np.random.Generator, plan: Plan) -> Panel:
    x, own = effects(rng, plan), effects(rng, plan)
    y = plan.correlation * x + np.sqrt(1 - plan.correlation**2) * own
    keys = list(product(*map(range, x.shape)))
    names = [f"m{m:04}@{t}" if plan.strengths > 1 else f"m{m:04}" for _, m, t in keys]
    return Panel(
        np.array([f"b{b}" for b, *_ in keys]),
        np.array(names),
        np.zeros(len(keys), dtype=np.int64),
        {"X": x.ravel(), "Y": y.ravel()},
        {"X": "higher", "Y": "higher"},
    )


def truth(plan: Plan, kind: Kind) -> float:
    """Of bivariate normal values with this correlation."""
    if kind is Kind.TAU:
        return float(2 / np.pi * np.arcsin(plan.correlation))
    return float(6 / np.pi * np.arcsin(plan.correlation / 2))


def main() -> None:
    rng = np.random.default_rng(21)
    print(
        "# Coverage of the 95% intervals of agreement\n\n"
        f"{TABLES} tables per row, {RESAMPLES} resamples; Monte Carlo standard error .011. Benchmarks x "
        "methods x strengths; strengths of a method correlate by .8. Written by `perf/intervals.py`.\n\n"
        "| table | persists | correlation | tau-b | mean width | rho | mean width |\n"
        "|---|---|---|---|---|---|---|"
    )
    for plan in PLANS:
        cells = []
        for kind in (Kind.TAU, Kind.RHO):
            held, width = 0, 0.0
            for _ in range(TABLES):
                panel = table(rng, plan)
                (group,) = group_pairs(panel, panel.values, panel.values, [PAIR])
                found = bootstrap_intervals(group, kind, RESAMPLES, rng)[PAIR]
                assert found.low is not None and found.high is not None
                held += found.low <= truth(plan, kind) <= found.high
                width += (found.high - found.low) / TABLES
            cells += [f"{held / TABLES:.3f}", f"{width:.2f}"]
        size = f"{plan.benchmarks} x {plan.methods} x {plan.strengths}"
        print(
            f"| {size} | {plan.persists:.0%} | {plan.correlation:g} | {' | '.join(cells)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
