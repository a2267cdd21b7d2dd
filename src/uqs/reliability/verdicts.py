"""The audit in plain words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from uqs.metrics.cards import CARDS
from uqs.records import Status
from uqs.reliability.findings import Audit
from uqs.reliability.level import Level
from uqs.reliability.order import Order, Shown
from uqs.stats.resolution import Resolution

LEVEL = 0.05
NAMED = 3
"""Most places that a sentence names one by one."""
SUPPORT = 0.8
"""Least share of resamples with which two clusters are called supported."""
_WHY = {
    Status.CONSTANT: "{are} constant on {where}; nothing can be said of {them} there.",
    Status.TOO_FEW: "{have} too few values on {where}; nothing can be said of {them} there.",
    Status.MISSING_ORACLE: "{have} no oracle to be compared with on {where}.",
    Status.COLLAPSED: "{have} no value on {where}, where the models collapsed.",
    Status.GATE_FAILED: "{have} no value on {where}, where the gates failed.",
}


def verdicts(audit: Audit) -> tuple[str, ...]:
    """What the table can and cannot support, the most sweeping first."""
    return (
        *_design(audit),
        *_degenerate(audit),
        *_orders(audit),
        *_levels(audit),
        *_reliability(audit),
        *_agreement(audit),
        *_structure(audit),
        *_attacks(audit),
    )


def _design(audit: Audit) -> Iterator[str]:
    d = audit.design
    repeats = f"; the {d.seeds} seeds are repeats" if d.seeds > 1 else ""
    yield (
        f"{_count(d.rows, 'row')} in {_count(d.cells, 'cell')}: {_count(d.methods, 'method')} on "
        f"{_count(d.benchmarks, 'benchmark')}{repeats}."
    )
    if d.min_p is None:
        yield "No two methods can be exchanged, so nothing can be tested."
    elif d.min_p > LEVEL:
        yield f"No stratified test can fall below p = {d.min_p:.3g}: nothing can be significant."
    elif d.min_detectable_tau is None:
        yield "Not even perfect agreement would be found in 80% of such tables."
    else:
        yield f"Only a tau of {d.min_detectable_tau:.2f} or more would be found in 80% of such tables."
    if d.methods < 2:
        yield "One method alone cannot be ranked."


def _benchmarks(audit: Audit) -> int:
    """How many benchmarks the table has, those without any value included."""
    named = {item.benchmark for item in audit.degenerate}
    for pair in audit.agreement:
        named |= set(pair.tau.per_benchmark)
    return max(len(named), audit.design.benchmarks)


def _degenerate(audit: Audit) -> Iterator[str]:
    together: dict[tuple[Status, tuple[str, ...]], list[str]] = defaultdict(list)
    by_metric: dict[tuple[Status, str], list[str]] = defaultdict(list)
    for item in audit.degenerate:
        if item.status == Status.UNRESOLVED:
            continue  # said with the orders
        by_metric[item.status, item.metric].append(item.benchmark)
    for (status, metric), benchmarks in by_metric.items():
        together[status, tuple(sorted(benchmarks))].append(metric)
    total = _benchmarks(audit)
    order = sorted(together.items(), key=lambda entry: (entry[0][0], -len(entry[0][1]), entry[1]))
    for (status, places), metrics in order:
        several = len(metrics) > 1
        share = f"{len(places)} of {total} benchmarks" if total > 1 else "the one benchmark"
        place = f"{share} ({', '.join(places)})"
        sentence = _WHY[status].format(
            are="are" if several else "is",
            have="have" if several else "has",
            them="them" if several else "it",
            where=place,
        )
        yield f"{_list(metrics)} {sentence}"


_SHOWN = {
    Shown.ORDER: "At least half of all pairs of methods are told apart by",
    Shown.PART: "Some pairs, under half, are told apart by",
    Shown.NOTHING: "No two methods are told apart by",
    Shown.NO_REPEATS: "Without a second seed or oracle it cannot be known whether methods are told apart by",
}


def _orders(audit: Audit) -> Iterator[str]:
    """Which metric orders the methods of which benchmark, which part of them, which none."""
    by_metric: dict[str, list[Order]] = defaultdict(list)
    for item in audit.resolution:
        by_metric[item.metric].append(item)
    if any(item.found for item in audit.resolution):
        benchmarks, strengths = (
            len({getattr(item, name) for item in audit.resolution})
            for name in ("benchmark", "strength")
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
            yield f"{sentence} {_list(parts)}."
    yield from _limits(audit.resolution)


def _each(benchmarks: int) -> str:
    return f"each of {benchmarks} benchmarks" if benchmarks > 1 else "the one benchmark"


def _places(here: Sequence[Order], every: Sequence[Order]) -> str:
    """How often of how many times, or where if seldom."""
    if len(here) <= NAMED and (len(here) < len(every) or len(every) == 1):
        return ", ".join(_place(item) for item in here)
    return f"{len(here)} of {len(every)}"


def _place(item: Order) -> str:
    return item.benchmark + (f" at {item.strength}" if item.strength else "")


def _shares(here: Sequence[Order]) -> Iterator[str]:
    """Pairs told apart and G, from the smallest to the largest."""
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
    """What the orders rest on and leave out."""
    found = [item for item in orders if item.found is not None]
    one_oracle = [
        item.metric
        for item in found
        if item.metric in CARDS and "oracle" in CARDS[item.metric].needs
        if item.found is not None and item.found.oracles == 1
    ]
    if one_oracle:
        yield (
            f"For {_list(_once(one_oracle))} the table has one value for each run, whatever the oracle: "
            "another oracle may order the methods otherwise."
        )
    one_seed = [item.metric for item in found if item.found is not None and item.found.seeds == 1]
    if one_seed:
        yield (
            f"For {_list(_once(one_seed))} each method has one run: these models are told apart, and other "
            "runs of the same methods may differ."
        )
    unpaired = [item.metric for item in found if not item.paired]
    if unpaired:
        yield (
            f"The seeds of {_list(_once(unpaired))} differ from method to method, and their runs are not "
            "paired."
        )
    left: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for item in orders:
        if item.left_out:
            left[item.left_out].append(f"{item.metric} on {_place(item)}")
    for methods, places in left.items():
        yield f"For want of values {_few(methods)} took no part in the order by {_few(places)}."
    short = [item for item in orders if item.used < item.known and not item.left_out]
    if short:
        share = 1 - sum(item.used for item in short) / sum(item.known for item in short)
        names = _few(_once([f"{item.metric} on {_place(item)}" for item in short]))
        yield (
            f"Seeds or oracles that some methods lack were left out ({share:.0%} of the values) for {names}."
        )


def _once(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _few(names: Sequence[str]) -> str:
    """The names, or the first of them with the number of the others."""
    if len(names) <= NAMED + 1:
        return _list(names)
    return f"{', '.join(names[:NAMED])} and {len(names) - NAMED} more"


def _levels(audit: Audit) -> Iterator[str]:
    """How far methods lie from the oracles, apart from whether they differ."""
    by_metric: dict[str, list[Level]] = defaultdict(list)
    for item in audit.level:
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
            else f"{farther} of {methods} (over {_count(len(items), 'benchmark')}) lie"
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
            parts.append(f"by {_list(metrics)} {word} farther{span}")
    pairs = sorted({item.pairs for item in audit.level})
    yield (
        "Level, not order: is a method farther from the oracles than two oracles are from each other ("
        f"{_span([str(pairs[0]), str(pairs[-1])])} {'pair' if pairs[-1] == 1 else 'pairs'} of oracles a"
        f" benchmark)? {_capital('; '.join(parts))}."
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _reliability(audit: Audit) -> Iterator[str]:
    if not audit.reliability:
        yield (
            "The table lacks a metric or a distance to the oracle: which metric to trust cannot be "
            "asked of it."
        )
        return
    for target in dict.fromkeys(item.target for item in audit.reliability):
        items = [item for item in audit.reliability if item.target == target]
        follow = [
            item.metric
            for item in items
            if item.p_adjusted is not None
            and item.p_adjusted <= LEVEL
            and (item.rho.stratified.value or 0) > 0
        ]
        against = [
            item.metric
            for item in items
            if item.p_adjusted is not None
            and item.p_adjusted <= LEVEL
            and (item.rho.stratified.value or 0) < 0
        ]
        word = target.replace("_", " ")
        if follow:
            yield f"{_list(follow)} {_s(follow, 'follow')} the {word} within benchmarks (Holm, 5%)."
        if against:
            yield f"{_list(against)} {_s(against, 'run')} against the {word} within benchmarks (Holm, 5%)."
        if not follow and not against:
            yield f"No metric is shown to follow the {word} within benchmarks."
        beaten = [
            item.metric
            for item in items
            if item.rho.pooled.value is not None
            and item.pooled_test is not None
            and item.pooled_test.p > LEVEL
            and abs(item.rho.pooled.value - (item.sentinels.benchmark_mean or 0)) < 0.1
            and abs(item.rho.pooled.value) > 0.1
        ]
        if beaten:
            yield (
                f"The pooled rho of {_list(beaten)} with the {word} is no more than knowing the "
                "benchmark gives."
            )


def _agreement(audit: Audit) -> Iterator[str]:
    if reversed_pairs := [item for item in audit.agreement if item.tau.sign_reverses]:
        names = _list([f"{item.a}-{item.b}" for item in reversed_pairs])
        yield f"Pooled over benchmarks, tau has the opposite sign for {names} (Simpson): read the stratified."
    proven = [
        f"{item.a}-{item.b}"
        for item in audit.agreement
        if item.p_adjusted is not None and item.p_adjusted <= LEVEL
    ]
    if audit.agreement and not proven:
        yield "No two metrics are shown to agree or to disagree (Benjamini-Hochberg, 5%)."
    elif proven:
        yield f"Shown to agree or disagree (Benjamini-Hochberg, 5%): {_list(proven)}."


def _structure(audit: Audit) -> Iterator[str]:
    clusters = audit.clusters
    if clusters.support is None:
        return
    names = " and ".join("{" + ", ".join(group) + "}" for group in clusters.groups)
    word = "are supported" if clusters.support >= SUPPORT else "have no support"
    yield (
        f"Two clusters, {names}, {word}: they return in {clusters.support:.0%} of "
        f"{clusters.resamples} draws of the methods."
    )


def _attacks(audit: Audit) -> Iterator[str]:
    for item in audit.meta_evaluation:
        if item.faithfulness is not None:
            yield (
                f"{item.metric} tells models that hold the knowledge from models that do not with an "
                f"AUC of {item.faithfulness:.2f}."
            )
        if item.robustness is not None:
            yield (
                f"{item.metric} has a robustness of {item.robustness:.2f} to relearning and "
                "quantisation."
            )


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def _s(names: Sequence[str], verb: str) -> str:
    return verb if len(names) > 1 else verb + "s"


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
