"""The audit in plain words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from uqs.audit.design import LEAST_METHODS, LEVEL, Design
from uqs.audit.do_nothing import DoNothing
from uqs.audit.findings import Audit, Reliability
from uqs.audit.order_words import level_sentences, order_sentences
from uqs.audit.told_words import told_sentences
from uqs.audit.truth_words import truth_sentences
from uqs.records import Status
from uqs.stats.multiple import holm
from uqs.text import count, listed, verb

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
        *truth_sentences(audit.report_cards, audit.profiles),
        *order_sentences(audit.resolution),
        *told_sentences(audit.told),
        *level_sentences(audit.level),
        *_reliability(audit),
        *_agreement(audit),
        *_strengths(audit),
        *_structure(audit),
        *_attacks(audit),
    )


def _design(audit: Audit) -> Iterator[str]:
    d = audit.design
    if not d.methods:
        yield design_sentence(d)
        return
    yield (
        f"{count(d.rows, 'row')}: {count(d.methods, 'method')} on {count(d.benchmarks, 'benchmark')}"
        f"{_repeats(d)}."
    )
    yield design_sentence(d)
    if d.methods < 2:
        yield "One method alone cannot be ranked."


def _repeats(d: Design) -> str:
    parts = [count(d.strengths, "strength")] if d.strengths > 1 else []
    parts += [count(d.seeds, "seed")] if d.seeds > 1 else []
    return f"; {listed(parts)} are repeats of the same methods" if parts else ""


def design_sentence(d: Design) -> str:
    """What the table can show of agreement and reliability at all."""
    if not d.methods:
        return "Without unlearned models the table says what its metrics are worth, and nothing of methods."
    if d.min_p is None:
        return "No two methods can be exchanged, so no agreement or reliability of metrics can be tested."
    if d.methods < LEAST_METHODS:
        return (
            f"No agreement or reliability of metrics can be significant with {count(d.methods, 'method')}: "
            f"{LEAST_METHODS} are needed, and no p can fall below {d.min_p:.2g}."
        )
    if not d.testable:
        return (
            "No agreement or reliability of metrics can be significant: too few methods have values at the "
            f"same places to be exchanged, so that no p can fall below {d.min_p:.2g}."
        )
    if d.min_detectable_tau is None:
        return "Not even perfect agreement of two metrics would be found in 80% of such tables."
    least = f"tau {d.min_detectable_tau:.2f}"
    return f"Only an agreement of {least} or more would be found in 80% of such tables."


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
    if not audit.design.methods:
        return
    if not audit.reliability:
        yield (
            "The table lacks a metric or a distance to the oracle: which metric to trust cannot be "
            "asked of it."
        )
        return
    for target in dict.fromkeys(item.target for item in audit.reliability):
        items = [item for item in audit.reliability if item.target == target]
        follow, against = (following(items, audit.design, sign) for sign in (1, -1))
        word, place = target.replace("_", " "), at_one_strength(audit)
        if follow:
            named = f"{listed(follow)} {verb(follow, 'follows', 'follow')}"
            yield f"{named} the {word} within benchmarks{place} (Holm, 5%)."
        if against:
            named = f"{listed(against)} {verb(against, 'runs', 'run')} against"
            yield f"{named} the {word} within benchmarks{place} (Holm, 5%)."
        if not follow and not against:
            yield f"No metric is shown to follow the {word} within benchmarks{place}."
        if audit.design.testable:
            yield from _only_with_strength(items, word)
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
        yield from do_nothing_sentences(audit.do_nothing, target)


def at_one_strength(audit: Audit) -> str:
    """Where relations are asked for: words that end a statement, empty if methods have one strength."""
    several = any(item.one_strength is not None for item in audit.agreement)
    return " at one strength" if several else ""


def following(items: Sequence[Reliability], design: Design, sign: int) -> list[str]:
    """The metrics that are shown to follow (`sign` 1) or to oppose (-1) the target."""
    return [item.metric for item in items if design.testable and item.shown == sign]


def _only_with_strength(items: Sequence[Reliability], word: str) -> Iterator[str]:
    """Metrics whose relation to the target is not shown among the methods at one strength."""
    lost = [
        item.metric
        for item in items
        if item.one_strength is not None
        and item.p_adjusted is not None
        and item.p_adjusted <= LEVEL
        and not item.shown
    ]
    if lost:
        yield (
            f"Over all strengths {listed(lost)} {verb(lost, 'is', 'are')} related to the {word}, but not "
            "shown to be among methods at one strength: the relation may be that of the strengths."
        )


def do_nothing_sentences(found: Sequence[DoNothing], target: str) -> Iterator[str]:
    """Where the original is as near to the oracle as the methods are, this distance rewards doing nothing."""
    mine = [item for item in found if item.target == target]
    rewarded = [item for item in mine if item.rewarded]
    if not rewarded:
        return
    where = f"{len(rewarded)} of {len(mine)} benchmarks" if len(mine) > 1 else rewarded[0].benchmark
    nearer = listed([f"{item.nearer} of {item.methods}" for item in rewarded])
    yield (
        f"The {target.replace('_', ' ')} rewards doing nothing on {where}: the original, in which nothing "
        f"was unlearned, is as near to the oracles as the methods are ({nearer} methods are nearer). To "
        "follow this distance is no merit of a metric there."
    )


def _agreement(audit: Audit) -> Iterator[str]:
    if reversed_pairs := [item for item in audit.agreement if item.tau.sign_reverses]:
        names = listed([f"{item.a}-{item.b}" for item in reversed_pairs])
        yield f"Pooled over benchmarks, tau has the opposite sign for {names} (Simpson): read the stratified."
    proven = [item for item in audit.agreement if audit.design.testable and item.shown]
    for sign, do in ((1, "agree"), (-1, "disagree")):
        pairs = [f"{item.a}-{item.b}" for item in proven if item.shown == sign]
        if pairs:
            yield (
                f"Shown to {do} on the order of the methods{at_one_strength(audit)} "
                f"(Benjamini-Hochberg, 5%): {listed(pairs)}."
            )
    if audit.agreement and not proven:
        yield "No two metrics are shown to agree or to disagree (Benjamini-Hochberg, 5%)."


def _strengths(audit: Audit) -> Iterator[str]:
    """Which metrics a method's strength moves."""
    adjusted = holm([item.p for item in audit.strengths])
    moved = [
        item
        for item, p in zip(audit.strengths, adjusted, strict=True)
        if p is not None and p <= LEVEL
    ]
    if moved:
        names = list(moved[0].mean_ranks)
        parts = [
            f"{item.metric} {item.mean_ranks[names[0]]:.2f} to {item.mean_ranks[names[-1]]:.2f}"
            for item in moved
        ]
        yield (
            f"Strength moves (mean rank among all models of a benchmark, 0 worst, 1 best; {names[0]} to "
            f"{names[-1]}; Holm, 5%): {listed(parts)}."
        )
    still = [item.metric for item in audit.strengths if item not in moved]
    if still:
        yield f"Strength is not shown to move {listed(still)}."


def _structure(audit: Audit) -> Iterator[str]:
    clusters = audit.clusters
    if clusters.support is None:
        return
    names = " and ".join("{" + ", ".join(group) + "}" for group in clusters.groups)
    returns = f"they return in {clusters.support:.0%} of {clusters.resamples} draws of the methods"
    p = clusters.second_factor_p
    if clusters.support < SUPPORT:
        yield f"Two clusters, {names}, have no support: {returns}."
    elif p is None:
        yield (
            f"Two clusters, {names}, are stable ({returns}), but whether they are more than one factor with "
            "two signs cannot be tested here."
        )
    elif p > LEVEL:
        yield (
            f"Two groups, {names}, are stable ({returns}), but one factor with two signs explains them (p of "
            f"a second factor {p:.2g})."
        )
    else:
        yield (
            f"Two clusters, {names}, are supported: {returns}, and one factor does not explain them (p "
            f"{p:.2g})."
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
