"""Numbers and statuses as a reader sees them."""

from __future__ import annotations

from collections.abc import Sequence

from uqs.records import Status
from uqs.report.gates import Check, Gates
from uqs.report.means import Gap, Mean
from uqs.score import MethodScore

MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
DASH = "\N{EN DASH}"
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


def number(value: float) -> str:
    """Three decimals, or two figures where that would show none of a small number."""
    size = abs(value)
    if size >= 1e5 or 0 < size < 5e-5:
        text = f"{size:.1e}"
    elif size >= 100:
        text = f"{size:.1f}"
    else:
        text = f"{size:.3f}" if size == 0 or size >= 0.01 else f"{size:.2g}"
    return MINUS + text if value < 0 else text


def signed(value: float, decimals: int) -> str:
    """With its sign, but for what rounds to 0."""
    text = f"{value:+.{decimals}f}"
    return text[1:] if float(text) == 0 else text.replace("-", MINUS)


def mean(found: Mean | None) -> str:
    """`0.312 ± 0.020`, or in words why there is no number."""
    if found is None:
        return "not measured"
    if found.value is None:
        return STATUS[found.status]
    partly = "" if found.known == found.runs else f" ({found.known} of {found.runs})"
    return with_error(found.value, found.se) + partly


def with_error(value: float, se: float | None) -> str:
    """The value, and its standard error to three decimals unless that would show none of it."""
    if se is None:
        return number(value)
    return f"{number(value)} ± {f'{se:.3f}' if 5e-4 <= se < 100 else number(se)}"


def gap(found: Gap) -> str:
    """`3.42` times the noise floor for a distance, `+0.120` from the oracles' own value, or nothing."""
    if found.ratio is not None:
        return f"{found.ratio:.{2 if found.ratio < 10 else 1}f}{TIMES}"
    return "" if found.difference is None else signed(found.difference, 3)


def probability(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}"


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
    """Which oracles were left out and how many stand, or nothing."""
    if not found.dropped:
        return ""
    names = ", ".join(name.replace("_", " ") for name in found.dropped)
    one = len(found.dropped) == 1
    text = f"{names} {'was' if one else 'were'} left out; {count(found.oracles, 'oracle')} left"
    return f"{text}, so there is no noise floor" if found.oracles == 1 else text


def listed(names: Sequence[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def count(amount: int, word: str) -> str:
    return f"{amount} {word}" + ("" if amount == 1 else "s")


def scored(one: MethodScore) -> str:
    """UQS with its standard error; without one where a method has a single run somewhere."""
    return f"{one.uqs:.3f}" + ("" if one.se is None else f" ± {one.se:.3f}")
