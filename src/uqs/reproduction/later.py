"""The authors' later findings (2026) against the rows that they published: what comes out, and what cannot.

Later work of the authors of arXiv 2605.02206 gives other weights and findings on 18 checkpoints. Rows of
those are not published, so only what the 36 rows hold, and what follows from a number itself, is computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

from scipy import stats

from uqs.reproduction import procedures
from uqs.reproduction.reproduce import Reproduction
from uqs.score import figures, score
from uqs.score.figures import METRICS, PrintedFigure
from uqs.text import listed

WEIGHTS = {"FA": "0.0745", "RA": "0.1719", "MIA": "0.1781", "AD": "0.2727", "JS": "0.3028"}
MMUBENCH_TAU = "0.421"
TAU, TAU_P = "0.867", "0.0167"
METHODS = 6
"""18 checkpoints with 3 seeds; the four methods of the study, NegGrad+ and SCRUB."""


@dataclass(frozen=True)
class Later:
    """A later finding: as printed, as computed here (None where it cannot be), and what is to be said."""

    what: str
    printed: PrintedFigure
    ours: float | None
    why: str


def later(found: Reproduction) -> list[Later]:
    """All later findings that are known as numbers."""
    return [_within_mmubench(), *_agreement(found), *_weights(found)]


def _within_mmubench() -> Later:
    rows = figures.multimodal()
    inside = rows[rows["benchmark"] == "mmubench"]
    tau = stats.kendalltau(procedures.aligned(inside, "FA"), procedures.aligned(inside, "RA"))
    return Later(
        "tau-b of FA and RA within MMUBench",
        PrintedFigure(MMUBENCH_TAU),
        float(tau.statistic),
        "comes out of the 12 published rows; with the rows as independent p is"
        f" {tau.pvalue:.3f}, and they are 4 methods",
    )


def _agreement(found: Reproduction) -> Iterator[Later]:
    here = next(one for one in found.audit.agreement if (one.a, one.b) == ("AD", "JS"))
    within, p = here.tau.stratified.value, here.test.p if here.test else None
    yield Later(
        "tau-b of AD and JS on 18 checkpoints",
        PrintedFigure(TAU),
        None,
        "rows of the 18 checkpoints are not published. It is the tau of two rankings of six that differ in"
        f" one pair, {_six()[0]:.4f} = 13/15; the 36 published rows give"
        f" {'no value' if within is None else f'{within:+.3f}'} within benchmarks",
    )
    yield Later(
        "exact p of that tau-b",
        PrintedFigure(TAU_P),
        _six()[1],
        f"is the exact two-sided p of 13/15 for {METHODS} units, {_orders()} of 720 orders: as if"
        f" {METHODS} methods were exchanged, not 18 checkpoints. On the 36 rows, of 4 methods, p is"
        f" {'undefined' if p is None else f'{p:.3f}'} and cannot fall below 1/24",
    )


def _six() -> tuple[float, float]:
    """tau and its exact p for two rankings of METHODS items that differ in one neighbouring pair."""
    order = list(range(METHODS))
    other = [1, 0, *order[2:]]
    tau = stats.kendalltau(order, other, method="exact")
    return float(tau.statistic), float(tau.pvalue)


def _orders() -> int:
    """How many orders of METHODS items are at least as far from chance as 13/15."""
    order = list(range(METHODS))
    turned = (
        sum(a > b for at, a in enumerate(one) for b in one[at + 1 :]) for one in permutations(order)
    )
    pairs = METHODS * (METHODS - 1) // 2
    return sum(one <= 1 or one >= pairs - 1 for one in turned)


def _weights(found: Reproduction) -> Iterator[Later]:
    for metric in METRICS:
        yield Later(
            f"weight of {metric}",
            PrintedFigure(WEIGHTS[metric]),
            None,
            "the rows that it was learned from are not published; the first rule gives"
            f" {found.reproduced['weights'][metric]:.4f} on the 36 rows",
        )
    by_metric = {name: float(text) for name, text in WEIGHTS.items()}
    scored = score(figures.multimodal(), by_metric, form="published")
    order = sorted(scored.methods, key=lambda one: -one.uqs)
    best = [one.method for one in order if one.tie_group == 1]
    told = (
        f"{best[0]} is first beyond the noise of seeds"
        if len(best) == 1
        else f"the noise of seeds does not tell {listed(best)} apart"
    )
    yield Later(
        "sum of these weights",
        PrintedFigure("1"),
        sum(by_metric.values()),
        f"under them the 36 rows give {', '.join(f'{one.method} {one.uqs:.3f}' for one in order)}: {told}",
    )
