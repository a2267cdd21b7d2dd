"""Whether methods that are compared have the same metrics, benchmarks and runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from uqs.report.analysis import Analysis, NoRanking
from uqs.report.protocol.answer import (
    NOTHING,
    Answer,
    benchmarks,
    methods,
    metrics,
    of_methods,
)
from uqs.score.cube import UQS_METRICS
from uqs.score.scoring import ScoreResult
from uqs.text import count, few


def coverage(found: Analysis) -> Answer:
    """Whether methods that are compared have the same metrics and runs, on the same benchmarks.

    Met as well where a method lacks something, if it or the metric is left out of the common ranking.
    """
    names, places = methods(found), benchmarks(found)
    if not names or not places:
        return NOTHING
    lacking, uneven = _lacking(found), list(_uneven(found))
    measured = f"{count(len(names), 'method')}, {count(len(metrics(found)), 'metric')},"
    measured += f" {count(len(places), 'benchmark')}"
    if not lacking and not uneven:
        return Answer(True, f"{measured}: every method has every metric everywhere, in every run.")
    said = [f"{metric} lacks {few(who)} on {name}" for (name, metric), who in lacking.items()]
    figure = f"{measured}: {few([*said, *uneven])}."
    if uneven:
        return Answer(
            False, f"{figure} Means over some of a method's runs stand beside those over all."
        )
    if isinstance(found.overall, NoRanking):
        return Answer(True, f"{figure} Nothing is pooled: {found.overall.reason}.")
    return _apart(found.overall.equal, lacking, figure)


def _lacking(found: Analysis) -> dict[tuple[str, str], list[str]]:
    """The methods without a value, by benchmark and metric."""
    missing: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in benchmarks(found):
        for metric in metrics(found):
            for method, one in of_methods(found, name, metric):
                if one is None or one.value is None:
                    missing[name, metric].append(method)
    return missing


def _uneven(found: Analysis) -> Iterator[str]:
    """Means over fewer runs than the other methods' on a benchmark."""
    for name in benchmarks(found):
        for metric in metrics(found):
            known = {
                method: one.known
                for method, one in of_methods(found, name, metric)
                if one is not None and one.known
            }
            most = max(known.values(), default=0)
            for method, runs in known.items():
                if runs < most:
                    yield f"{metric} of {method} on {name} is over {runs} of {most} runs"


def _apart(result: ScoreResult, lacking: dict[tuple[str, str], list[str]], figure: str) -> Answer:
    """Whether the common ranking leaves out every method or metric that lacks a value, and which."""
    gone = {(one.benchmark, one.metric) for one in result.left_out}
    pooled = [
        f"{metric} of {method} on {name}"
        for (name, metric), who in lacking.items()
        for method in who
        if metric in result.metrics
        and method not in result.partial
        and name not in result.unmeasured
        and (name, metric) not in gone
    ]
    if pooled:
        return Answer(False, f"{figure} Pooled all the same: {few(pooled)}.")
    unused = [m for m in UQS_METRICS if m not in result.metrics and m in {m for _, m in lacking}]
    said = [
        f"{few(names)} {what}"
        for names, what in (
            (sorted(result.partial), "left out of the common ranking"),
            (sorted(result.unmeasured), "not scored"),
            ([f"{metric} on {name}" for name, metric in sorted(gone)], "left out for all methods"),
            (unused, "left out of UQS"),
        )
        if names
    ]
    if any(metric not in UQS_METRICS for _, metric in lacking):
        said.append("other metrics not pooled")
    return Answer(True, f"{figure} Kept apart: {'; '.join(said)}.")
