"""The audit in plain words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from uqs.audit.findings import Audit
from uqs.audit.order_words import level_sentences, order_sentences
from uqs.records import Status
from uqs.text import count, listed

LEVEL = 0.05
SUPPORT = 0.8
"""Two clusters are called supported from this share of resamples on."""
_WHY = {
    Status.CONSTANT: "{are} constant on {where}; nothing can be said of {them} there.",
    Status.TOO_FEW: "{have} too few values on {where}; nothing can be said of {them} there.",
    Status.MISSING_ORACLE: "{have} no oracle to be compared with on {where}.",
    Status.COLLAPSED: "{have} no value on {where}, where the models collapsed.",
    Status.LOWER_BOUND: "{are} known only as bounds on {where}; bounds are not ranked.",
    Status.GATE_FAILED: "{have} no value on {where}, where the gates failed.",
    Status.WEAK_ORIGINAL: (
        "{have} no value on {where}, where the original answers under half of what it was taught and so is "
        "not a baseline."
    ),
    Status.KNOWN_HOLDOUT: (
        "{have} no value on {where}, where the models answer holdout like retain, so that nothing can be "
        "measured against it."
    ),
    Status.MISSING_TRACE: "{have} no value on {where}, where the models were not traced for {them}.",
    Status.NO_SCALE: "{have} no value on {where}, where the original is within the oracles' noise floor.",
    Status.MISSING_SHADOWS: "{have} no shadow models to be compared with on {where}.",
}


def verdicts(audit: Audit) -> tuple[str, ...]:
    """What the table can and cannot support, the broadest statements first."""
    return (
        *_design(audit),
        *_degenerate(audit),
        *order_sentences(audit.resolution),
        *level_sentences(audit.level),
        *_reliability(audit),
        *_agreement(audit),
        *_structure(audit),
        *_attacks(audit),
    )


def _design(audit: Audit) -> Iterator[str]:
    d = audit.design
    repeats = f"; the {d.seeds} seeds are repeats" if d.seeds > 1 else ""
    yield (
        f"{count(d.rows, 'row')} in {count(d.cells, 'cell')}: {count(d.methods, 'method')} on "
        f"{count(d.benchmarks, 'benchmark')}{repeats}."
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
    """How many benchmarks the table has, including those without any value."""
    named = {item.benchmark for item in audit.degenerate}
    for pair in audit.agreement:
        named |= set(pair.tau.per_benchmark)
    return max(len(named), audit.design.benchmarks)


def _degenerate(audit: Audit) -> Iterator[str]:
    together: dict[tuple[Status, tuple[str, ...]], list[str]] = defaultdict(list)
    by_metric: dict[tuple[Status, str], list[str]] = defaultdict(list)
    for item in audit.degenerate:
        if item.status == Status.UNRESOLVED:
            continue  # reported with the orders
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
        yield f"{listed(metrics)} {sentence}"


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
            yield f"{listed(follow)} {_s(follow, 'follow')} the {word} within benchmarks (Holm, 5%)."
        if against:
            yield f"{listed(against)} {_s(against, 'run')} against the {word} within benchmarks (Holm, 5%)."
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
                f"The pooled rho of {listed(beaten)} with the {word} is no more than knowing the "
                "benchmark gives."
            )


def _agreement(audit: Audit) -> Iterator[str]:
    if reversed_pairs := [item for item in audit.agreement if item.tau.sign_reverses]:
        names = listed([f"{item.a}-{item.b}" for item in reversed_pairs])
        yield f"Pooled over benchmarks, tau has the opposite sign for {names} (Simpson): read the stratified."
    proven = [
        f"{item.a}-{item.b}"
        for item in audit.agreement
        if item.p_adjusted is not None and item.p_adjusted <= LEVEL
    ]
    if audit.agreement and not proven:
        yield "No two metrics are shown to agree or to disagree (Benjamini-Hochberg, 5%)."
    elif proven:
        yield f"Shown to agree or disagree (Benjamini-Hochberg, 5%): {listed(proven)}."


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


def _s(names: Sequence[str], verb: str) -> str:
    return verb if len(names) > 1 else verb + "s"
