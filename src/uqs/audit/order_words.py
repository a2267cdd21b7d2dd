"""Sentences on which metrics order the methods, and how near the methods are to retraining."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from uqs.audit.level import Level
from uqs.audit.order import Order, OrderFinding
from uqs.metrics.catalogue import CARDS
from uqs.records import Need
from uqs.stats.resolution import Resolution
from uqs.text import count, few, listed

NAMED = 3
"""The largest number of places that a sentence lists."""
NO_ORDER = {
    OrderFinding.NO_REPEATS: "not known: no repeats",
    OrderFinding.CONSTANT: "constant",
    OrderFinding.TOO_FEW: "too few methods",
}
"""Why an order has no number."""
_SHOWN = {
    OrderFinding.ORDER: "At least half of all pairs of methods are told apart by",
    OrderFinding.PART: "Some pairs, under half, are told apart by",
    OrderFinding.NOTHING: "No two methods are told apart by",
    OrderFinding.NO_REPEATS: (
        "Without a second seed or oracle it cannot be known whether methods are told apart by"
    ),
}


def order_sentences(resolution: Sequence[Order]) -> Iterator[str]:
    """Which metrics order the methods of a benchmark, fully, in part, or not at all."""
    by_metric: dict[str, list[Order]] = defaultdict(list)
    for item in resolution:
        by_metric[item.metric].append(item)
    if any(item.found for item in resolution):
        benchmarks, strengths = (
            len({getattr(item, name) for item in resolution}) for name in ("benchmark", "strength")
        )
        each = f" at each of {strengths} strengths" if strengths > 1 else ""
        yield (
            "Does a metric tell methods apart? Asked by paired differences over the seeds and oracles that"
            f" methods share, on {_each(benchmarks)}{each} (familywise 5%):"
        )
    for shown, sentence in _SHOWN.items():
        parts = []
        for metric, items in by_metric.items():
            here = [item for item in items if item.shown == shown]
            if here:
                details = [_places(here, items), *_shares(here)]
                parts.append(f"{metric} ({'; '.join(details)})")
        if parts:
            yield f"{sentence} {listed(parts)}."
    yield from _limits(resolution)


def _each(benchmarks: int) -> str:
    return f"each of {benchmarks} benchmarks" if benchmarks > 1 else "the one benchmark"


def _places(here: Sequence[Order], every: Sequence[Order]) -> str:
    """How often out of how many, or where, if in few places."""
    if len(here) <= NAMED and (len(here) < len(every) or len(every) == 1):
        return ", ".join(_place(item) for item in here)
    return f"{len(here)} of {len(every)}"


def _place(item: Order) -> str:
    return item.benchmark + (f" at {item.strength}" if item.strength else "")


def _shares(here: Sequence[Order]) -> Iterator[str]:
    """Ranges of the share of pairs told apart and of G."""
    found = [item.found for item in here if item.found is not None]
    if found:
        if any(one.separated > 0 for one in found):
            yield f"{_span([f'{one.separated:.0%}' for one in _by(found, 'separated')])} of pairs"
        yield f"G {_span([f'{one.g:.2f}' for one in _by(found, 'g')])}"


def _by(found: Sequence[Resolution], name: str) -> list[Resolution]:
    return sorted(found, key=lambda one: float(getattr(one, name)))


def _span(ordered: Sequence[str]) -> str:
    first, last = ordered[0], ordered[-1]
    return first if first == last else f"{first} to {last}"


def _limits(orders: Sequence[Order]) -> Iterator[str]:
    """The limits of the orders: what they are based on and what they leave out."""
    found = [item for item in orders if item.found is not None]
    one_oracle = [
        item.metric
        for item in found
        if item.metric in CARDS and Need.ORACLE in CARDS[item.metric].needs
        if item.found is not None and item.found.oracles == 1
    ]
    if one_oracle:
        yield (
            f"For {listed(_once(one_oracle))} the table has one value for each run, whatever the oracle: "
            "another oracle may order the methods otherwise."
        )
    one_seed = [item.metric for item in found if item.found is not None and item.found.seeds == 1]
    if one_seed:
        yield (
            f"For {listed(_once(one_seed))} each method has one run: these models are told apart, and other "
            "runs of the same methods may differ."
        )
    unpaired = [item.metric for item in found if not item.paired]
    if unpaired:
        yield (
            f"The seeds of {listed(_once(unpaired))} differ from method to method, and their runs are not "
            "paired."
        )
    left: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for item in orders:
        if item.left_out:
            left[item.left_out].append(f"{item.metric} on {_place(item)}")
    for methods, places in left.items():
        yield f"For want of values {few(methods)} took no part in the order by {few(places)}."
    short = [item for item in orders if item.used < item.known and not item.left_out]
    if short:
        share = 1 - sum(item.used for item in short) / sum(item.known for item in short)
        names = few(_once([f"{item.metric} on {_place(item)}" for item in short]))
        yield (
            f"Seeds or oracles that some methods lack were left out ({share:.0%} of the values) for {names}."
        )


def _once(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(names))


def level_sentences(level: Sequence[Level]) -> Iterator[str]:
    """How far methods are from the oracles, regardless of whether they differ."""
    by_metric: dict[str, list[Level]] = defaultdict(list)
    for item in level:
        by_metric[item.metric].append(item)
    if not by_metric:
        return
    groups: dict[str, list[str]] = {"every method lies": [], "no method lies": []}
    for metric, items in by_metric.items():
        farther, methods = (sum(getattr(i, name) for i in items) for name in ("farther", "methods"))
        word = (
            "every method lies"
            if farther == methods
            else "no method lies"
            if not farther
            else f"{farther} of {methods} (over {count(len(items), 'benchmark')}) lie"
        )
        groups.setdefault(word, []).append(metric)
    parts = []
    for word, metrics in groups.items():
        if metrics:
            times = [
                ratio
                for metric in metrics
                for item in by_metric[metric]
                for ratio in (item.nearest, item.farthest)
                if ratio is not None
            ]
            span = f", {min(times):.2f} to {max(times):.2f} times as far" if times else ""
            parts.append(f"by {listed(metrics)} {word} farther{span}")
    pairs = sorted({item.pairs for item in level})
    yield (
        "Level, not order: is a method farther from the oracles than two oracles are from each other ("
        f"{_span([str(pairs[0]), str(pairs[-1])])} {'pair' if pairs[-1] == 1 else 'pairs'} of oracles a"
        f" benchmark)? {_capital('; '.join(parts))}."
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
