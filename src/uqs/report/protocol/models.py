"""The points of the protocol that ask what the models know: before unlearning, in the oracles, hidden."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import hypot

from uqs.records import Role
from uqs.report import words
from uqs.report.analysis import Analysis
from uqs.report.means import Line, Mean
from uqs.report.protocol.answer import (
    Answer,
    all_of,
    benchmarks,
    joined,
    mean,
    of_methods,
    span,
    values,
    why_missing,
)
from uqs.text import count, listed, number

HALF = 0.5
"""An original that answers less of what it was taught is no baseline (`weak_original`)."""
Z = 1.96
DISTANCES = ("AD", "JS", "functional_distance", "oracle_distance")
ABOVE = "forget/above_oracle"
ENOUGH = 2
"""Oracles from which on there is a noise floor."""


def knowledge(found: Analysis) -> Answer:
    """Whether the originals answer at least half of forget, and more than oracles, and more than holdout."""
    return joined(
        (_knowledge(found, name) for name in found.summary.benchmarks),
        "FA of the originals on what they were taught (of their oracles; of themselves on holdout): ",
    )


def _knowledge(found: Analysis, name: str) -> Answer:
    taught = mean(found, name, Line.ORIGINAL, "FA")
    oracles = mean(found, name, Line.ORACLE, "FA")
    holdout = mean(found, name, Line.ORIGINAL, "FA", "holdout")
    checks = found.gates[name].checks if name in found.gates else ()
    dropped = found.gates[name].dropped if name in found.gates else ()
    failed = any(
        one.gate == "original_forget_accuracy" and not one.passed and one.model not in dropped
        for one in checks
    )
    known = None if taught is None or taught.value is None else taught.value >= HALF
    met = all_of([not failed, known, _more(taught, oracles), _more(taught, holdout)])
    gate = ", under the gate of the study" if failed else ""
    return Answer(
        met,
        f"{name} {words.mean(taught)}{gate} ({words.mean(oracles)}; {words.mean(holdout)})",
    )


def _more(one: Mean | None, other: Mean | None) -> bool | None:
    """Whether a mean is above another by more than the noise of both, taken as independent."""
    if one is None or other is None or one.value is None or other.value is None:
        return None
    return one.value - other.value > Z * hypot(one.se or 0.0, other.se or 0.0)


def reference(found: Analysis) -> Answer:
    """Whether every benchmark has two oracles or more, taught none of forget, and their noise floor."""
    return joined(_reference(found, name) for name in found.summary.benchmarks)


def _reference(found: Analysis, name: str) -> Answer:
    rows = [
        row
        for row in found.rows
        if row.benchmark == name and row.role == Role.ORACLE and row.value is not None
    ]
    if not rows:
        return Answer(False, f"{name}: no oracle")
    oracles = len({row.seed for row in rows})
    shares = {row.share for row in rows}
    taught = False if shares - {0.0, None} else True if shares == {0.0} else None
    said = {
        True: "taught none of forget",
        False: "taught a part of forget",
        None: "what they were taught is not in the table",
    }[taught]
    floors = dict(_floors(found, name))
    noise = ", ".join(f"{metric} {number(value)}" for metric, value in floors.items())
    trained = listed(sorted({row.method for row in rows}))
    forget = words.mean(mean(found, name, Line.ORACLE, "FA"))
    return Answer(
        all_of([oracles >= ENOUGH, taught, bool(floors)]),
        f"{name}: {count(oracles, 'oracle')} ({trained}; {said}; FA {forget}), "
        + (f"noise floor {noise}" if noise else "no noise floor"),
    )


def _floors(found: Analysis, name: str) -> Iterator[tuple[str, float]]:
    for metric in DISTANCES:
        floor = mean(found, name, Line.FLOOR, metric)
        if floor is not None and floor.value is not None:
            yield metric, floor.value


def weights(found: Analysis) -> Answer:
    """Whether every method has a distance of effective updates to the oracles, on every benchmark."""
    return joined(
        (_weights(found, name) for name in benchmarks(found)),
        "oracle_distance, which compares effective updates and not the factors of an adapter: ",
    )


def _weights(found: Analysis, name: str) -> Answer:
    known = values(of_methods(found, name, "oracle_distance"))
    reason = why_missing(of_methods(found, name, "oracle_distance"))
    if not known:
        return Answer(False, f"{name} none ({reason})")
    floor = words.mean(mean(found, name, Line.FLOOR, "oracle_distance"))
    lacking = f", of some methods none ({reason})" if reason else ""
    return Answer(not reason, f"{name} {span(known)}{lacking} (between oracles {floor})")


def recovery(found: Analysis) -> Answer:
    """Whether it was asked, explicitly (KR) and implicitly (KR_IMP), what suppressed knowledge comes back."""
    return joined(
        (_recovery(found, name) for name in benchmarks(found)),
        "Share of what the methods no longer say that comes back, and how much more than for the oracles: ",
    )


def _recovery(found: Analysis, name: str) -> Answer:
    parts: Mapping[str, Answer] = {
        metric: _recovered(found, name, metric) for metric in ("KR", "KR_IMP")
    }
    said = ", ".join(f"{metric} {one.figure}" for metric, one in parts.items())
    return Answer(all_of(one.met for one in parts.values()), f"{name} {said}")


def _recovered(found: Analysis, name: str, metric: str) -> Answer:
    if metric not in found.summary.metrics:
        return Answer(False, "not measured")
    own = values(of_methods(found, name, metric))
    above = values(of_methods(found, name, metric, ABOVE))
    reason = why_missing(of_methods(found, name, metric))
    if not own:
        return Answer(None, f"undefined ({reason})")
    more = f" ({span(above)} more)" if above else " (not compared with oracles)"
    lacking = f", of some methods undefined ({reason})" if reason else ""
    return Answer(None if reason or not above else True, f"{span(own)}{more}{lacking}")
