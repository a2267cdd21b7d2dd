"""A score result in plain sentences."""

from __future__ import annotations

from collections.abc import Iterable

from uqs.records import Status
from uqs.score.cube import UNSOUND
from uqs.score.result import ScoreResult
from uqs.score.validation import Correlation, HeldOutResult
from uqs.text import few, listed, verb

REASONS = {
    Status.MISSING_ORACLE: "the table has no oracle to compare with",
    Status.TOO_FEW: "too few values",
    Status.LOWER_BOUND: "only bounds are known",
    Status.CONSTANT: "it does not vary",
    Status.WEAK_ORIGINAL: "the original answers under half of what it was taught and cannot be a baseline",
    Status.KNOWN_HOLDOUT: "models answer holdout like retain, so nothing can be measured against it",
    Status.NO_SCALE: "the original model is within the oracle's noise floor",
}

TARGETS = {
    "relearning": "relearning brings back",
    "strongest attack": "the strongest attack recovers",
}
LESS = {"below": "less", "above": "more"}


def coverage(result: ScoreResult) -> list[str]:
    """What the score does not use, and which metrics are constant."""
    found = []
    for benchmark in result.benchmarks:
        constant = [one.metric for one in result.constant if one.benchmark == benchmark]
        if constant:
            found.append(
                f"{benchmark}: {listed(constant)} {'is' if len(constant) == 1 else 'are'} constant"
                " and rank no method there."
            )
    for left in result.left_out:
        reason = left.detail or REASONS[left.status]
        if left.missing:
            reason = f"{left.missing} of {len(result.methods)} methods have no value"
            if left.status in UNSOUND:
                reason += f": {REASONS[left.status]}"
            elif left.status is Status.LOWER_BOUND:
                reason += " that is more than a bound"
        found.append(f"{left.benchmark}: {left.metric} is left out for all methods ({reason}).")
    for thin in result.thin:
        found.append(
            f"{thin.benchmark}: {thin.metric} of {thin.method} is the mean of {thin.known} of its"
            f" {thin.runs} runs; the others have no value."
        )
    for benchmark, status in sorted(result.unmeasured.items()):
        why = REASONS[status] if status in UNSOUND else status
        found.append(f"{benchmark} has no measured model ({why}) and is not scored.")
    for method, count in sorted(result.partial.items()):
        found.append(
            f"{method} has runs on {count} of {len(result.benchmarks)} benchmarks and is not ranked."
        )
    return [*found, *off_ladder(result)]


def headline(result: ScoreResult) -> str:
    """Which methods may be first, given the noise."""
    first = [one.method for one in result.methods if one.rank_interval[0] == 1]
    if len(first) == 1:
        return f"{first[0]} is first beyond the measured noise."
    return f"The measured noise allows {len(first)} methods to be first: {listed(first)}."


def validation(result: ScoreResult) -> list[str]:
    """How well UQS follows the oracle on held-out data, and what does better."""
    held = result.validation
    if isinstance(held, Status):
        return [f"UQS cannot be checked against the oracle: {REASONS[held]}."]
    found = []
    for scheme in ("benchmark", "method"):
        uqs, *others = [one for one in held if one.left_out == scheme]
        named = [one for one in others if one.kind != "metric" or one.learned]
        found.append(
            f"On held-out {scheme}s UQS with {uqs.predictor} follows the oracle with rho"
            f" {rho(uqs.within)}; "
            + "; ".join(f"{one.predictor}{_sort(one)} {rho(one.within)}" for one in named)
            + f". {_verdict(uqs, others)}"
        )
    return found


def form(result: ScoreResult) -> str:
    """The form of the terms, in words that follow a noun."""
    if result.form == "published":
        return "in the published form"
    return "calibrated by references" if result.gates else "calibrated by oracles and originals"


def recovery(result: ScoreResult) -> list[str]:
    """How well UQS orders methods by what can be got back from them, and what does better."""
    found = []
    for target in dict.fromkeys(one.target for one in result.recovery):
        uqs, *others = [one for one in result.recovery if one.target == target]
        named = [one for one in others if one.kind != "metric" or one.learned]
        found.append(
            f"By what {TARGETS[target]} UQS with {uqs.predictor} orders methods with rho {rho(uqs.within)};"
            f" {'; '.join(f'{one.predictor} {rho(one.within)}' for one in named)}. {_verdict(uqs, others)}"
        )
    return found


def off_ladder(result: ScoreResult) -> list[str]:
    """Which methods are like no reference, by metric and side."""
    places: dict[tuple[str, str], list[str]] = {}
    for benchmark, methods in result.off_ladder.items():
        for method, sides in methods.items():
            for metric, side in sides.items():
                places.setdefault((metric, side), []).append(f"{method} on {benchmark}")
    return [
        f"Off the ladder: by {metric} {few(named)} {verb(named, 'knows', 'know')}"
        f" {LESS[side]} than any reference; this counts as the end of the ladder."
        for (metric, side), named in places.items()
    ]


def _sort(held: HeldOutResult) -> str:
    return " sentinel" if held.kind == "sentinel" else ""


def _verdict(uqs: HeldOutResult, others: Iterable[HeldOutResult]) -> str:
    """Which predictors do better; only those defined on as many benchmarks are compared."""
    own = uqs.within
    if own.value is None:
        return "Nothing can be said of UQS here."
    better = [
        one.predictor
        for one in others
        if one.within.value is not None
        and one.within.defined == own.defined
        and one.within.value > own.value + 1e-9
    ]
    if better:
        return f"UQS loses to {listed(better)}."
    return "Nothing with the same coverage does better."


def rho(found: Correlation) -> str:
    """The value with its coverage, or why it is missing."""
    if found.value is None:
        return f"undefined ({REASONS.get(found.status, found.status)})"
    some = "" if found.defined == found.groups else f" ({found.defined} of {found.groups})"
    return f"{found.value:+.3f}{some}"
