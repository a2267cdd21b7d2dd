"""An audit in at most eight sentences: what can be trusted for what, and how sure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Literal, get_args

from uqs.audit.do_nothing import DoNothing
from uqs.audit.findings import Audit
from uqs.audit.profiles import Profile, of_methods
from uqs.audit.report_cards import ReportCard
from uqs.audit.share_words import NAMED, grouped, two
from uqs.audit.told import Finding, Told
from uqs.audit.verdicts import at_one_strength, design_sentence, following
from uqs.records import Role
from uqs.text import count, few, listed, verb

MOST = 8
Topic = Literal["trust", "knowledge", "methods", "limits"]
"""Which metrics to trust; what models still know; which methods differ; what the table cannot show."""


def in_short(audit: Audit) -> tuple[str, ...]:
    """The decisive sentences first, each with the number that carries it."""
    return tuple(sentence for _, sentence in islice(_sentences(audit), MOST))


def by_topic(audit: Audit) -> Mapping[Topic, tuple[str, ...]]:
    """All sentences, by what they are about."""
    found = list(_sentences(audit))
    return {
        topic: tuple(said for about, said in found if about == topic) for topic in get_args(Topic)
    }


def _sentences(audit: Audit) -> Iterator[tuple[Topic, str]]:
    cards = [card for card in audit.report_cards if card.headline]
    parts: list[tuple[Topic, Iterable[str]]] = [
        ("trust", [_truth(cards)]),
        ("trust", _misled(cards)),
        ("knowledge", _contradictions(audit.profiles)),
        ("methods", _resolution(audit)),
        ("knowledge", _told(audit.told)),
        ("limits", _nothing(audit.do_nothing)),
        ("limits", _agreement(audit)),
        ("limits", _reliability(audit)),
    ]
    for topic, said in parts:
        yield from ((topic, sentence) for sentence in said)
    if not audit.design.testable or not audit.agreement:
        yield "limits", design_sentence(audit.design)


def _truth(cards: Sequence[ReportCard]) -> str:
    """Which metrics say how much a model knows, by models whose knowledge is known."""
    if not cards:
        return (
            "Which metric follows the truth cannot be known from this table: it has no reference models of "
            "known truth."
        )
    groups = grouped(cards, lambda card: card.metric)
    benchmarks = len({card.benchmark for card in cards})
    good = {
        metric: max(card.error for card in own if card.error is not None)
        for metric, own in groups.items()
        if sum(card.usable for card in own) == benchmarks
    }
    where = count(benchmarks, "benchmark")
    bad = [name for name, own in groups.items() if not any(card.usable for card in own)]
    said = f"Of {len(groups)} metrics {len(good)} say on all of {where} how much a retrained model knows"
    if good:
        named = [f"{name} {two(good[name])}" for name in sorted(good, key=lambda one: good[one])]
        said += f" (largest error, in shares of what was to be forgotten: {few(named, NAMED)})"
    if bad:
        said += f"; {few(bad, NAMED)} {verb(bad, 'does', 'do')} on none"
    return said + "."


def _misled(cards: Sequence[ReportCard]) -> Iterator[str]:
    """Which usable metrics are blind to hidden knowledge, and which take damage for forgetting."""
    usable = [card for card in cards if card.usable]
    asked = [card for card in usable if card.suppressed]
    blind = list(dict.fromkeys(card.metric for card in asked if card.blind))
    seeing = list(dict.fromkeys(card.metric for card in asked if card.metric not in blind))
    if blind:
        but = f"; {few(seeing, NAMED)} {verb(seeing, 'is', 'are')} not" if seeing else ""
        yield (
            f"{few(blind, NAMED)} {verb(blind, 'is', 'are')} deceived by models that know everything and"
            " do "
            f"not say it{but}."
        )
    elif seeing:
        yield f"No such metric is deceived by models that do not say what they know: {few(seeing, NAMED)}."
    asked = [card for card in usable if card.damaged]
    fooled = list(dict.fromkeys(card.metric for card in asked if card.fooled))
    if fooled:
        yield (
            f"{few(fooled, NAMED)} {verb(fooled, 'takes', 'take')} models that are damaged, and forgot "
            "nothing, for models that know less."
        )


def _contradictions(found: Sequence[Profile]) -> Iterator[str]:
    """Do the metrics agree on how much unlearned models know?"""
    methods = of_methods(found)
    if not methods:
        return
    ragged = [one for one in methods if one.ragged]
    judged = {one.basis for one in ragged or methods}
    beyond = "normal noise" if "normal" in judged else "what they do on retrained models"
    if ragged:
        yield (
            f"On {len(ragged)} of {len(methods)} unlearned methods by benchmark the metrics contradict"
            " each "
            f"other beyond {beyond}: there one metric does not describe the model."
        )
    else:
        yield (
            f"On none of {len(methods)} unlearned methods by benchmark do the metrics contradict each"
            " other "
            f"beyond {beyond}."
        )


def _resolution(audit: Audit) -> Iterator[str]:
    """How many pairs of methods each metric tells apart."""
    if not audit.design.methods:
        return
    pairs: dict[str, int] = {}
    told: dict[str, int] = {}
    for order in audit.resolution:
        if order.found is not None:
            size = len(order.methods)
            pairs[order.metric] = pairs.get(order.metric, 0) + size * (size - 1) // 2
            told[order.metric] = told.get(order.metric, 0) + len(order.separated)
    if not pairs:
        yield (
            "Whether any two methods differ cannot be known from this table: no metric that varies has two "
            "methods with values at the same two seeds or oracles."
        )
        return
    ranked = sorted(pairs, key=lambda name: (-told[name] / pairs[name], name))
    shares = [f"{name} {told[name] / pairs[name]:.0%}" for name in ranked]
    span = shares if len(shares) <= 4 else [*shares[:3], f"least {shares[-1]}"]
    yield (
        "Pairs of methods on a benchmark that a metric tells apart beyond the noise of seeds and oracles: "
        f"{', '.join(span)}."
    )


def _told(found: Sequence[Told]) -> Iterator[str]:
    """How many unlearned models each metric tells from one more oracle."""
    own = [one for one in found if one.role == Role.UNLEARNED]
    tested = [one for one in own if one.finding in (Finding.TOLD, Finding.NOT_TOLD)]
    if not tested:
        if any(one.finding != Finding.NO_VALUE for one in own):
            yield (
                "Whether a model is told from one more oracle cannot be known: that takes three oracles or "
                "more that differ."
            )
        return
    shares = {
        metric: (sum(one.finding == Finding.TOLD for one in part), len(part))
        for metric, part in grouped(tested, lambda one: one.metric).items()
    }
    ranked = sorted(shares, key=lambda name: (-shares[name][0] / shares[name][1], name))
    named = [f"{name} {shares[name][0]} of {shares[name][1]}" for name in ranked]
    span = named if len(named) <= 4 else [*named[:3], f"least {named[-1]}"]
    yield f"Unlearned models that a metric tells from one more oracle (familywise 5%): {', '.join(span)}."


def _nothing(found: Sequence[DoNothing]) -> Iterator[str]:
    """The distances to the oracle that reward doing nothing, in one sentence."""
    said = []
    for target, own in grouped(found, lambda item: item.target).items():
        rewarded = [item for item in own if item.rewarded]
        if rewarded:
            nearer = sum(item.nearer for item in rewarded)
            total = sum(item.methods for item in rewarded)
            said.append(
                f"the {target.replace('_', ' ')} on {len(rewarded)} of {count(len(own), 'benchmark')} "
                f"({nearer} of {total} methods are nearer there)"
            )
    if said:
        yield (
            "To the oracles a model in which nothing was unlearned is as near as the methods are, by "
            f"{listed(said)}."
        )


def _agreement(audit: Audit) -> Iterator[str]:
    """How many pairs of metrics are shown to agree, and to disagree."""
    if not audit.design.testable or not audit.agreement:
        return
    agree, against = (sum(item.shown == sign for item in audit.agreement) for sign in (1, -1))
    yield (
        f"Of {len(audit.agreement)} pairs of metrics {agree} are shown to agree on the order of methods"
        f"{at_one_strength(audit)} and {against} to disagree (5%, corrected; "
        f"{count(audit.design.methods, 'method')})."
    )


def _reliability(audit: Audit) -> Iterator[str]:
    for target, items in grouped(audit.reliability, lambda item: item.target).items():
        follow = following(items, audit.design, 1)
        word = target.replace("_", " ")
        if follow:
            named = f"{few(follow, NAMED)} {verb(follow, 'follows', 'follow')}"
            yield f"{named} the {word}{at_one_strength(audit)} (5%, corrected)."
