"""The points of the protocol that ask about the metrics: their regime, all of them, their direction."""

from __future__ import annotations

from uqs.audit.degenerate import DegenerateMetric
from uqs.report import words
from uqs.report.analysis import Analysis
from uqs.report.means import Line
from uqs.report.protocol.answer import (
    NOTHING,
    Answer,
    all_of,
    benchmarks,
    joined,
    mean,
    metrics,
    of_methods,
    span,
    values,
    why_missing,
)
from uqs.score.cube import UQS_METRICS
from uqs.text import count, few, listed

EDGE = 0.1
"""Within this share of the way from the oracles' FA to the originals', a method is at an end of it."""


def regime(found: Analysis) -> Answer:
    """Whether every metric of UQS tells methods apart on every benchmark, and FA is at neither end there."""
    return joined(_regime(found, name) for name in benchmarks(found))


def _regime(found: Analysis, name: str) -> Answer:
    degenerate = {one.metric: one for one in found.audit.degenerate if one.benchmark == name}
    ranges = [
        f"{metric} {_range(found, name, metric, degenerate.get(metric))}"
        for metric in UQS_METRICS
        if metric in found.summary.metrics
    ]
    end, where = _end(found, name)
    sound = not any(metric in degenerate for metric in UQS_METRICS)
    return Answer(all_of([sound, end]), f"{name} {where}: {', '.join(ranges)}")


def _range(found: Analysis, name: str, metric: str, flaw: DegenerateMetric | None) -> str:
    known = values(of_methods(found, name, metric))
    if not known:
        return why_missing(of_methods(found, name, metric))
    return span(known) + (f" ({words.STATUS[flaw.status]})" if flaw is not None else "")


def _end(found: Analysis, name: str) -> tuple[bool | None, str]:
    """Whether some method lies between the ends, and where the methods lie."""
    original, oracle = (mean(found, name, line, "FA") for line in (Line.ORIGINAL, Line.ORACLE))
    known = values(of_methods(found, name, "FA"))
    if original is None or oracle is None or original.value is None or oracle.value is None:
        return None, "(no ends: FA of originals or oracles is missing)"
    if not known:
        return None, "(no FA of methods)"
    way = original.value - oracle.value
    if way <= 0:
        return False, "(no ends: the originals know no more of forget than the oracles)"
    left = [(value - oracle.value) / way for value in known]
    if min(left) >= 1 - EDGE:
        return False, "at ceiling (every method keeps what the originals know)"
    if max(left) <= EDGE:
        return False, "at floor (no method keeps more than the oracles know)"
    return True, f"between the ends ({min(left):.0%} to {max(left):.0%} of the knowledge is left)"


def vector(found: Analysis) -> Answer:
    """Whether all five metrics of UQS have values on every benchmark, beside the score made of them."""
    places = benchmarks(found)
    if not places:
        return NOTHING
    lacking = [
        f"{metric} on {name} ({why_missing(of_methods(found, name, metric))})"
        for name in places
        for metric in UQS_METRICS
        if not values(of_methods(found, name, metric))
    ]
    more = [metric for metric in metrics(found) if metric not in UQS_METRICS]
    beside = f"; beside them {listed(more)}" if more else ""
    if lacking:
        return Answer(False, f"Of the five metrics there is no {listed(lacking)}{beside}.")
    where = count(len(places), "benchmark")
    return Answer(True, f"{listed(UQS_METRICS)} are there on {where}{beside}.")


def directions(found: Analysis) -> Answer:
    """Whether every metric can be turned so that higher is better."""
    by_way: dict[str, list[str]] = {"lower": [], "higher": [], "target": []}
    for metric in metrics(found):
        if metric in found.better:
            by_way[found.better[metric]].append(metric)
    if not any(by_way.values()):
        return Answer(None, "The table has no metric.")
    unknown = [metric for metric in metrics(found) if metric not in found.better]
    no_target = [
        f"{metric} on {name}"
        for metric in by_way["target"]
        for name in benchmarks(found)
        if (own := mean(found, name, Line.ORACLE, metric)) is None or own.value is None
    ]
    ways = {"lower": "lower", "higher": "higher", "target": "nearer to the oracles' own value"}
    figure = "Better is " + "; ".join(
        f"{words_} in {listed(by_way[way])}" for way, words_ in ways.items() if by_way[way]
    )
    if no_target:
        figure += f"; the oracles have no value to aim at in {few(no_target)}"
    if unknown:
        figure += f"; no direction is known of {listed(unknown)}"
    return Answer(not no_target and not unknown, f"{figure}.")
