"""How often does a comparison of arms find a difference that is none? Prints Markdown.

Two metrics agree equally far in both arms; what a method does persists from one arm to the other, and its
seeds are repeats. A naive test takes each row for an independent one and the arms for unrelated (Fisher's z
of two rank correlations).

    python perf/arms.py --tables 1000 > perf/arms.md

BATCH tables of a plan are tested together, by the same swaps and draws; each batch draws its own.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest, norm, rankdata

from uqs.audit.arm_difference import Compared
from uqs.audit.inference import BOOTSTRAP_METHODS
from uqs.stats.arms import Places
from uqs.text import count

BATCH = 10
DRAWS = 299
LEVEL = 0.05
SEEDS = 3


class Plan(NamedTuple):
    """`first` and `second`: places of each arm, matched where they are as many. `rho`: correlation of the two
    metrics in the first arm, `other` in the second (None: the same). `persists`: share of the variance of
    effects that is the same at all places. `rounded`: values with ties; `skewed`: exponential values in the
    second arm. `metrics`: more than two are tested by the mean over their pairs."""

    methods: int
    rho: float
    persists: float = 0.9
    first: int = 1
    second: int = 1
    rounded: bool = False
    skewed: bool = False
    metrics: int = 2
    other: float | None = None


PLANS = (
    Plan(4, 0.6),
    Plan(6, 0.0),
    Plan(6, 0.6),
    Plan(8, 0.0, 0.0),
    Plan(8, 0.0),
    Plan(8, 0.6, 0.0),
    Plan(8, 0.6),
    Plan(8, 0.9),
    Plan(8, 0.6, rounded=True),
    Plan(8, 0.6, skewed=True),
    Plan(8, 0.6, first=3, second=1),
    Plan(8, 0.6, 0.5, first=3, second=3),
    Plan(8, 0.6, metrics=5),
    Plan(12, 0.0, 0.0),
    Plan(12, 0.6),
    Plan(12, 0.6, metrics=5),
    Plan(12, 0.0, 0.5, metrics=5),
    Plan(19, 0.0),
    Plan(19, 0.6, 0.5),
    Plan(19, 0.6, first=3, second=1),
)
APART = (
    Plan(8, 0.0, 0.5, other=0.9),
    Plan(12, 0.0, 0.5, other=0.9),
    Plan(12, 0.0, 0.5, other=0.9, metrics=5),
    Plan(19, 0.0, 0.5, other=0.9),
)


def effects(plan: Plan, rng: np.random.Generator) -> list[np.ndarray]:
    """For each place `(metrics, methods)`; metrics have one factor in common."""
    size = plan.metrics, plan.methods
    common, own = rng.normal(size=plan.methods), rng.normal(size=size)
    found = []
    for at in range(plan.first + plan.second):
        rho = plan.rho if at < plan.first or plan.other is None else plan.other
        here = [rng.normal(size=plan.methods), rng.normal(size=size)]
        parts = [
            np.sqrt(plan.persists) * kept + np.sqrt(1 - plan.persists) * new
            for kept, new in zip((common, own), here, strict=True)
        ]
        found.append(np.sqrt(rho) * parts[0] + np.sqrt(1 - rho) * parts[1])
    return found


def table(plan: Plan, rng: np.random.Generator) -> list[np.ndarray]:
    """For each place `(metrics, methods, seeds)`."""
    rows = [
        one[..., None] + 0.1 * rng.normal(size=(*one.shape, SEEDS)) for one in effects(plan, rng)
    ]
    if plan.rounded:
        rows = [np.round(one) for one in rows]
    if plan.skewed:
        rows[plan.first :] = [np.exp(2 * one) for one in rows[plan.first :]]
    return rows


def naive(rows: list[np.ndarray]) -> bool:
    """Fisher's z between the first place and the last, all rows taken for independent."""
    z = []
    for place in (rows[0], rows[-1]):
        ranks = [rankdata(one.ravel()) for one in place[:2]]
        if min(map(np.ptp, ranks)) == 0:
            return False
        z.append(np.arctanh(np.clip(np.corrcoef(*ranks)[0, 1], -0.9999, 0.9999)))
    error = np.sqrt(2 / (rows[0][0].size - 3))
    return bool(2 * norm.sf(abs(z[0] - z[1]) / error) <= LEVEL)


def rejections(plan: Plan, tables: int, rng: np.random.Generator) -> np.ndarray:
    """Rejected by the swaps, excluded 0 by the interval, rejected naively; and how many had a p."""
    found = np.zeros(4, dtype=int)
    size = plan.metrics
    for _ in range(tables // BATCH):
        rows = [table(plan, rng) for _ in range(BATCH)]
        means = [
            np.concatenate([one[at].mean(axis=2) for one in rows])
            for at in range(plan.first + plan.second)
        ]
        first, second = means[: plan.first], means[plan.first :]
        matched = plan.first == plan.second
        pairs = (
            zip(first, second, strict=True) if matched else ((a, b) for a in first for b in second)
        )
        compared = Compared.of(
            [Places(a, b) for a, b in pairs], BATCH * size, plan.methods, DRAWS, rng
        )
        for at, one in enumerate(rows):
            own = [(at * size + i, at * size + j) for i in range(size) for j in range(i + 1, size)]
            p, interval = compared.p(own), compared.interval(own)
            found[0] += p is not None and p <= LEVEL
            if interval.low is not None and interval.high is not None:
                found[1] += not interval.low <= 0 <= interval.high
            found[2] += naive(one)
            found[3] += p is not None
    return found


def described(plan: Plan) -> str:
    parts = [
        count(plan.methods, "method"),
        f"correlation {plan.rho:g}" + ("" if plan.other is None else f" and {plan.other:g}"),
        f"{plan.persists:.0%} persists",
    ]
    if (plan.first, plan.second) != (1, 1):
        parts.append(f"{plan.first} against {plan.second} benchmarks")
    parts += [word for word in ("rounded", "skewed") if getattr(plan, word)]
    parts += [f"mean over the pairs of {plan.metrics} metrics"] if plan.metrics > 2 else []
    return "; ".join(parts)


def line(plan: Plan, tables: int, rng: np.random.Generator) -> str:
    found = rejections(plan, tables, rng)
    cells = []
    for at, hits in enumerate(found[:3]):
        if at == 1 and plan.methods < BOOTSTRAP_METHODS:
            cells.append("refused")
            continue
        low, high = binomtest(int(hits), tables).proportion_ci()
        cells.append(f"{hits / tables:.3f} ({low:.3f} to {high:.3f})")
    return f"| {described(plan)} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tables", type=int, default=1000, help="tables per row")
    tables = parser.parse_args().tables
    rng = np.random.default_rng(15)
    head = (
        "| table | whole methods swapped, p at most 5% | 95% interval without 0 | naive |\n"
        "|---|---|---|---|"
    )
    print(
        "# Differences between arms\n\n"
        f"{tables:,} tables per row, {SEEDS} seeds, {DRAWS} swaps and draws; in brackets 95% Clopper-Pearson "
        "intervals. *Persists*: the share of the variance of a method's effect that is the same in both "
        "arms, as when arms share their items, oracles and models. One benchmark in each arm unless said. "
        "*Naive*: Fisher's z of two rank correlations over all rows, as if rows were independent and arms "
        "unrelated. "
        "The interval is refused with fewer than "
        f"{BOOTSTRAP_METHODS} methods. Written by `perf/arms.py`.\n\n"
        f"The metrics agree equally far in both arms: every rejection is false.\n\n{head}"
    )
    for plan in PLANS:
        print(line(plan, tables, rng), flush=True)
    print(f"\nThey agree in the second arm and not in the first: a rejection is right.\n\n{head}")
    for plan in APART:
        print(line(plan, tables, rng), flush=True)


if __name__ == "__main__":
    main()
