"""What a comparison of arms shows, in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, log2

from uqs.audit.arm_difference import ArmDifference
from uqs.audit.arms import Arms, MeanAgreement
from uqs.audit.design import LEVEL
from uqs.text import count, few, listed, probability, signed, verb

LEAST = ceil(1 + log2(1 / LEVEL))
"""Methods from which on a difference of two arms can be significant: p is at least 2 / 2^methods."""
NAMED = 6


def arm_sentences(found: Arms) -> tuple[str, ...]:
    """The arms, their mean agreement, and what differs."""
    return tuple(_sentences(found))


def arms_title(by: str) -> str:
    """`Arms`, or `Arms by model`."""
    return "Arms" if by == "arm" else f"Arms by {by}"


def _sentences(found: Arms) -> Iterator[str]:
    yield f"{arms_title(found.by)}: {listed(found.names)}; {count(found.methods, 'method')} in all of them."
    yield from found.notes
    if not found.testable:
        yield (
            f"No difference between these arms can be significant with {count(found.methods, 'method')}: "
            f"{LEAST} are needed, and no p can fall below {probability(found.min_p)}."
        )
    yield f"Mean agreement (tau-b) of two metrics: {listed([_mean(one) for one in found.mean])}."
    for one in found.differences:
        if one.a is None:
            own = [
                o
                for o in found.differences
                if o.a and (o.first, o.second) == (one.first, one.second)
            ]
            yield _between(one, found.testable)
            yield from _pairs(one, own, found.testable)


def _mean(one: MeanAgreement) -> str:
    value = "undefined" if one.tau is None else signed(one.tau, 2)
    return f"{one.arm} {value} ({one.pairs_defined} of {one.pairs} pairs)"


def _between(one: ArmDifference, testable: bool) -> str:
    where = f"Between {one.first} and {one.second}"
    if one.difference is None or one.p is None or one.tau_first is None or one.tau_second is None:
        return f"{where} no difference is defined: {one.reason}."
    interval = one.interval
    spread = (
        f"no interval: {interval.reason}"
        if interval.low is None or interval.high is None
        else f"95% {signed(interval.low, 2)} to {signed(interval.high, 2)}"
    )
    said = "shown" if testable and one.shown else "not shown"
    return (
        f"{where} the mean agreement differs by {signed(one.difference, 2)} ({signed(one.tau_first, 2)} "
        f"against {signed(one.tau_second, 2)}, over the {count(one.pairs, 'pair')} of metrics that vary in "
        f"both; {spread}; p {probability(one.p)}): a difference is {said}."
    )


def _pairs(mean: ArmDifference, own: Sequence[ArmDifference], testable: bool) -> Iterator[str]:
    if mean.difference is None:
        return
    shown = [one for one in own if testable and one.shown]
    if not shown:
        yield (
            f"No pair of metrics is shown to agree more in {mean.first} than in {mean.second}, or less "
            "(Benjamini-Hochberg, 5%)."
        )
        return
    named = [
        f"{one.a}-{one.b} ({signed(one.tau_first or 0.0, 2)} against {signed(one.tau_second or 0.0, 2)})"
        for one in sorted(shown, key=lambda one: -abs(one.difference or 0.0))
    ]
    yield (
        f"{count(len(shown), 'pair')} of metrics {verb(named, 'is', 'are')} shown to agree differently in "
        f"{mean.first} and {mean.second} (Benjamini-Hochberg, 5%): {few(named, NAMED)}."
    )
