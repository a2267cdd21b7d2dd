"""Sentences on which metrics tell which models from one more oracle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from uqs.audit.told import Direction, Finding, Told
from uqs.records import Role
from uqs.stats.told import FEWEST
from uqs.text import count, few, listed

NAMED = 3
"""The largest number of benchmarks or models that a sentence lists."""
TESTED = (Finding.TOLD, Finding.NOT_TOLD)
By = dict[str, dict[str, list[Told]]]
"""Models by metric and benchmark."""


def told_sentences(told: Sequence[Told]) -> Iterator[str]:
    """What is told from an oracle by which metrics, what is not, and where it cannot be known."""
    tested = [one for one in told if one.finding in TESTED]
    if tested:
        oracles = sorted({one.oracles for one in tested if one.role != Role.ORACLE})
        yield (
            "Is a model told from one more oracle? Asked of each model, by each metric, with "
            f"{_span(oracles)} oracles a benchmark (familywise 5% over the models of a benchmark). A model"
            " that is not told apart need not be like an oracle: few oracles tell little apart."
        )
    yield from _models(tested)
    yield from _over_forgetting(tested)
    yield from _originals(tested)
    yield from _oracles(tested)
    yield from _unknown(told)
    yield from _pooled(tested)


def _models(tested: Sequence[Told]) -> Iterator[str]:
    """Of how many unlearned models a metric says that they are no oracles."""
    by = _by([one for one in tested if one.role == Role.UNLEARNED])
    every, some, none = [], [], []
    for metric, parts in by.items():
        numbers = [(_told(part), len(part)) for part in parts.values()]
        if all(number == of for number, of in numbers):
            every.append(f"{metric} ({_places(list(parts), by)})")
        elif any(number for number, _ in numbers):
            some.append(f"{metric} tells {_counts(parts)}.")
        else:
            none.append(f"{metric} ({_places(list(parts), by)})")
    if every:
        yield f"Every unlearned model is told from an oracle by {listed(every)}."
    yield from some
    if none:
        yield f"No unlearned model is told from an oracle by {listed(none)}."


def _counts(parts: dict[str, list[Told]]) -> str:
    """`17 of 19 unlearned models from an oracle on a, 3 of 19 on b`."""
    each = [(f"{_told(part)} of {len(part)}", f"on {name}") for name, part in parts.items()]
    (first, place), *rest = each
    return ", ".join(
        [f"{first} unlearned models from an oracle {place}", *(" ".join(one) for one in rest)]
    )


def _over_forgetting(tested: Sequence[Told]) -> Iterator[str]:
    by: dict[str, list[str]] = defaultdict(list)
    for one in tested:
        if one.role == Role.UNLEARNED and one.direction == Direction.KNOWS_LESS:
            by[one.metric].append(f"{one.method} seed {one.seed} on {one.benchmark}")
    for metric, models in by.items():
        verb = "knows" if len(models) == 1 else "know"
        yield f"By {metric}, {few(models)} {verb} less of the forget set than an oracle: over-forgetting."


def _originals(tested: Sequence[Told]) -> Iterator[str]:
    """Where a metric does not see even that nothing was unlearned."""
    by = _by([one for one in tested if one.role == Role.ORIGINAL])
    blind = _where(by, lambda part: not _told(part))
    if blind:
        yield (
            f"Not even an original is told from an oracle by {listed(blind)}: a model that is not told apart "
            "there may know everything."
        )


def _oracles(tested: Sequence[Told]) -> Iterator[str]:
    by = _by([one for one in tested if one.role == Role.ORACLE])
    odd = _where(by, lambda part: bool(_told(part)))
    if odd:
        yield (
            f"An oracle is told from the other oracles by {listed(odd)}: look whether it was trained like "
            "them."
        )


def _unknown(told: Sequence[Told]) -> Iterator[str]:
    """Where there are too few oracles, or oracles that do not differ."""
    few = [
        one for one in told if one.finding == Finding.TOO_FEW_ORACLES and one.role != Role.ORACLE
    ]
    by = _by(told)
    for oracles in sorted({one.oracles for one in few}):
        here = _by([one for one in few if one.oracles == oracles])
        parts = [f"{metric} ({_places(list(places), by)})" for metric, places in here.items()]
        yield (
            f"With {count(oracles, 'oracle')} it cannot be known whether a model differs from one more, "
            f"whatever its value, by {listed(parts)}; {FEWEST} oracles or more can tell."
        )
    constant = _by([one for one in told if one.finding == Finding.CONSTANT])
    if constant:
        parts = [f"{metric} ({_places(list(places), by)})" for metric, places in constant.items()]
        yield f"The oracles do not differ at all, so that nothing can be told, by {listed(parts)}."


def _pooled(tested: Sequence[Told]) -> Iterator[str]:
    by = _by([one for one in tested if one.role != Role.ORACLE])
    lent = _where(by, lambda part: any(one.pooled for one in part))
    if lent:
        yield (
            "The spread between oracles is pooled with that between references of the same share for "
            f"{listed(lent)}, where the oracles do not visibly scatter more."
        )


def _by(told: Sequence[Told]) -> By:
    found: By = defaultdict(lambda: defaultdict(list))
    for one in told:
        found[one.metric][one.benchmark].append(one)
    return found


def _told(part: Sequence[Told]) -> int:
    return sum(one.finding == Finding.TOLD for one in part)


def _where(by: By, holds: Callable[[Sequence[Told]], bool]) -> list[str]:
    """Each metric with the benchmarks where it holds."""
    found = []
    for metric, parts in by.items():
        places = [name for name, part in parts.items() if holds(part)]
        if places:
            found.append(f"{metric} ({_places(places, by)})")
    return found


def _places(places: Sequence[str], by: By) -> str:
    """The benchmarks, or how many of all."""
    every = {name for parts in by.values() for name in parts}
    if len(places) == len(every) > 1:
        return f"{count(len(every), 'benchmark')}"
    return listed(places) if len(places) <= NAMED else f"{len(places)} of {len(every)} benchmarks"


def _span(numbers: Sequence[int]) -> str:
    if not numbers:
        return "the other"
    first, last = numbers[0], numbers[-1]
    return str(first) if first == last else f"{first} to {last}"
