"""Means, gaps, gates and statuses as a reader of a report sees them."""

from __future__ import annotations

from uqs.records import Status
from uqs.report.gates import Check
from uqs.report.means import Gap, Mean
from uqs.score import MethodScore
from uqs.text import TIMES, number, signed, with_error

STATUS = {
    Status.OK: "",
    Status.LOWER_BOUND: "lower bound",
    Status.CONSTANT: "constant",
    Status.UNRESOLVED: "within noise",
    Status.MISSING_ORACLE: "no oracle",
    Status.TOO_FEW: "too few values",
    Status.COLLAPSED: "collapsed",
    Status.MISSING_TRACE: "not traced",
    Status.MISSING_SHADOWS: "no shadow models",
    Status.GATE_FAILED: "gate failed",
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
    """`+0.120` from the oracle's own value, `3.42` times the noise floor, or nothing."""
    if found.difference is not None:
        return signed(found.difference, 3)
    if found.ratio is None:
        return ""
    return f"{found.ratio:.{2 if found.ratio < 10 else 1}f}{TIMES}"


def ranks(interval: tuple[int, int]) -> str:
    low, high = interval
    return f"{low}" if low == high else f"{low} to {high}"


def check(found: Check) -> str:
    """One gate in a sentence."""
    return (
        f"{found.words}: {found.model.replace('_', ' ')} has {number(found.value)}"
        f" ({number(found.low)} to {number(found.high)}); limit {number(found.limit)}, {found.rule}"
    )


def scored(one: MethodScore) -> str:
    """UQS with its standard error; without one where a method has a single run somewhere."""
    return f"{one.uqs:.3f}" + ("" if one.se is None else f" ± {one.se:.3f}")
