"""The points of the protocol that ask about order: ranks, what seeds carry, the scalar and its weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from uqs.audit.design import LEAST_METHODS
from uqs.metrics.catalogue import is_health
from uqs.report import words
from uqs.report.analysis import Analysis, NoRanking
from uqs.report.means import Line
from uqs.report.protocol.answer import (
    NOTHING,
    Answer,
    all_of,
    benchmarks,
    mean,
    methods,
    of_methods,
    span,
    values,
    why_missing,
)
from uqs.score.scoring import ScoreResult
from uqs.stats.resolution import Resolution
from uqs.text import count, listed

KAPPA = 100.0
"""How near the weights of local stability stay to those of the score: a deviation of about 0.04 each."""


def ranks(found: Analysis) -> Answer:
    """Whether every method has a rank beside its values."""
    names = methods(found)
    if not names:
        return NOTHING
    if isinstance(found.overall, NoRanking):
        return Answer(
            False, f"Values alone: the methods cannot be ranked ({found.overall.reason})."
        )
    equal = found.overall.equal
    shown = ", ".join(
        f"{one.method} {words.scored(one)} (rank {one.rank}; {words.ranks(one.rank_interval)})"
        for one in equal.methods
    )
    ranked = {one.method for one in equal.methods} | {
        one.method
        for each in found.by_benchmark.values()
        if not isinstance(each, NoRanking)
        for one in each.equal.methods
    }
    without = [name for name in names if name not in ranked]
    lacking = f"; no rank of {listed(without)}" if without else ""
    return Answer(not without, f"UQS, equal weights (rank; 95%): {shown}{lacking}.")


def seeds(found: Analysis) -> Answer:
    """Whether methods have repeated runs, and what share of the differences between them seeds carry."""
    if not benchmarks(found):
        return NOTHING
    design = found.audit.design
    unit = f"{count(design.methods, 'method')} {'is the unit' if design.methods == 1 else 'are the units'}"
    if design.methods < LEAST_METHODS:
        unit += f" (too few to test anything: {LEAST_METHODS} are needed)"
    unit += (
        f", {count(design.rows, 'run')} on {count(design.benchmarks, 'benchmark')} their repeats"
    )
    if design.seeds < 2:
        return Answer(False, f"{unit}; with one seed, what a seed changes is not known.")
    carried = dict(_carried(found))
    if not carried:
        return Answer(
            None, f"{unit}; no metric has values of two methods or more at the same seeds."
        )
    largest = sorted(carried.items(), key=lambda one: (-one[1], one[0]))
    shown = ", ".join(f"{metric} {_percent(share)}" for metric, share in largest)
    return Answer(
        True,
        f"{unit}; of the variance of a method's mean seeds carry, at most over the benchmarks, {shown}.",
    )


def _percent(share: float) -> str:
    return "under 1%" if 0 < share < 0.005 else f"{share:.0%}"


def _carried(found: Analysis) -> Iterator[tuple[str, float]]:
    """For each metric the largest share that seeds carry, over benchmarks and strengths."""
    largest: dict[str, float] = {}
    for order in found.audit.resolution:
        if order.found is None or order.found.seeds < 2 or is_health(order.metric):
            continue
        share = seed_share(order.found)
        if share is not None:
            largest[order.metric] = max(share, largest.get(order.metric, 0.0))
    yield from largest.items()


def seed_share(found: Resolution) -> float | None:
    """The seeds' share of the variance of a method's mean; None if that is 0.

    What seed and oracle do together counts as the seeds'. With one oracle, or none, this is 1 - G.
    """
    parts, s, k = found.components, found.seeds, found.oracles
    of_seeds = parts.method_seed / s + parts.residual / (s * k)
    whole = parts.method + parts.method_oracle / k + of_seeds
    return of_seeds / whole if whole > 0 else None


def scalar(found: Analysis) -> Answer:
    """Whether utility is there, and for the scalar its weights and what the ranking owes to them."""
    places = benchmarks(found)
    if not places:
        return NOTHING
    utility = _utility(found)
    if isinstance(found.overall, NoRanking):
        return Answer(
            all_of([utility.met, False]),
            f"{utility.figure}. There is no scalar: {found.overall.reason}.",
        )
    shown = [
        f"{name} weights ({_weights(one)}): {_first(one)}"
        for name, one in (("Equal", found.overall.equal), ("Published", found.overall.published))
    ]
    return Answer(utility.met, f"{utility.figure}. {'. '.join(shown)}.")


def _utility(found: Analysis) -> Answer:
    places = benchmarks(found)
    without = [name for name in places if not values(of_methods(found, name, "RA"))]
    if without:
        reason = why_missing(of_methods(found, without[0], "RA"))
        return Answer(False, f"No RA on {listed(without)} ({reason})")
    shown = "; ".join(
        f"{name} {span(values(of_methods(found, name, 'RA')))}"
        f" (originals {words.mean(mean(found, name, Line.ORIGINAL, 'RA'))})"
        for name in places
    )
    further = sorted(
        {
            f"RA on {split}"
            for name in places
            for metric, split in found.summary.other_splits(name)
            if metric == "RA" and "/" not in split
        }
    )
    if "functional_distance" in found.summary.metrics:
        further.append("functional distance")
    beside = f"; also {listed(further)}" if further else ""
    return Answer(True, f"RA: {shown}{beside}")


def _weights(result: ScoreResult) -> str:
    found = np.asarray(result.weights.mean).tolist()
    if len(set(found)) == 1:
        return f"{found[0]:.2f} each"
    pairs = zip(result.metrics, found, strict=True)
    return ", ".join(f"{metric} {weight:.2f}" for metric, weight in pairs)


def _first(result: ScoreResult) -> str:
    first = [one for one in result.methods if one.rank == 1]
    share = sum(one.first_share for one in first)
    said = f"{listed([one.method for one in first])} first, and first under {share:.0%} of all weightings"
    near = next((one for one in result.stability.local if one.kappa == KAPPA), None)
    if near is None:
        return said
    tau = "undefined" if near.mean_tau is None else f"{near.mean_tau:.2f}"
    return (
        f"{said}; where each weight moves by {near.weight_sd:.2f} (sd), still first in"
        f" {near.same_first:.0%}, tau {tau}"
    )
