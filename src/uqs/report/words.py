"""Means, gaps, gates and statuses in words."""

from __future__ import annotations

from uqs.records import Status
from uqs.report.gates import Check, Gates
from uqs.report.means import Gap, Mean
from uqs.score import MethodScore
from uqs.text import TIMES, count, number, signed, with_error

STATUS = {
    Status.OK: "",
    Status.LOWER_BOUND: "lower bound",
    Status.CONSTANT: "constant",
    Status.UNRESOLVED: "not told apart",
    Status.NO_SCALE: "no scale",
    Status.MISSING_ORACLE: "no oracle",
    Status.TOO_FEW: "too few values",
    Status.COLLAPSED: "collapsed",
    Status.MISSING_TRACE: "not traced",
    Status.MISSING_SHADOWS: "no shadow models",
    Status.GATE_FAILED: "gate failed",
    Status.WEAK_ORIGINAL: "weak original",
    Status.KNOWN_HOLDOUT: "knows holdout",
}


def mean(found: Mean | None) -> str:
    """`0.312 ± 0.020`, or in words why there is no number."""
    if found is None:
        return "not measured"
    if found.value is None:
        return STATUS[found.status]
    partly = "" if found.known == found.runs else f" ({found.known} of {found.runs})"
    return with_error(found.value, found.se) + partly


def gap(found: Gap) -> str:
    """`3.42` times the noise floor for a distance, `+0.120` from the oracles' own value, or nothing."""
    if found.ratio is not None:
        return f"{found.ratio:.{2 if found.ratio < 10 else 1}f}{TIMES}"
    return "" if found.difference is None else signed(found.difference, 3)


def ranks(interval: tuple[int, int]) -> str:
    low, high = interval
    return f"{low}" if low == high else f"{low} to {high}"


def check(found: Check) -> str:
    """One gate in a sentence."""
    value = "no defined value" if found.value is None else number(found.value)
    asked = f"{found.rule} {number(found.limit)}"
    return f"{found.words}: {found.who} {verb(found)} {value}; asked for: {asked}"


def verb(found: Check) -> str:
    return "have" if found.who == "oracles" else "has"


def dropped(found: Gates) -> str:
    """Which models were left out and how many oracles remain, or an empty text."""
    if not found.dropped:
        return ""
    names = ", ".join(name.replace("_", " ") for name in found.dropped)
    one = len(found.dropped) == 1
    text = f"{names} {'was' if one else 'were'} left out"
    if not found.dropped_oracles:
        return text
    text += f"; {count(found.oracles, 'oracle')} left"
    return f"{text}, so there is no noise floor" if found.oracles == 1 else text


def scored(one: MethodScore) -> str:
    """UQS with its standard error; without one if a method has only a single run somewhere."""
    return f"{one.uqs:.3f}" + ("" if one.se is None else f" ± {one.se:.3f}")
