"""Sentences on what unlearned models still know, and on how far the metrics agree about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from uqs.audit.profiles import Profile, of_methods
from uqs.audit.report_cards import ReportCard
from uqs.audit.share_words import NAMED, grouped, span
from uqs.records import TRAINED
from uqs.text import count, few


def known_sentences(cards: Sequence[ReportCard], found: Sequence[Profile]) -> Iterator[str]:
    """The known share of unlearned methods by the best metric that is not blind, and by all."""
    methods = of_methods(found)
    if not methods:
        return
    best = _best(cards)
    parts = []
    for name, own in list(grouped(methods, _method).items())[:NAMED]:
        every = sorted(part.share.position for one in own for part in one.parts)
        by_best = [part.share for one in own for part in one.parts if part.metric == best]
        first = f"{span(sorted(share.position for share in by_best))}; " if by_best else ""
        parts.append(f"{name} {first}{span(every)}")
    more = len(grouped(methods, _method)) - len(parts)
    rest = f", and {count(more, 'other method')}" if more else ""
    tested = any(card.suppressed for card in cards)
    best_is = (
        "the metric of the smallest error that is blind to no suppressed model"
        if tested
        else "the metric of the smallest error, which no suppressed model tests for blindness"
    )
    by = f"by {best}, {best_is}; then " if best else ""
    yield (
        "What unlearned models still know, as the share of the forget entities that a retrained model with"
        f" such values was taught (0: retrained without them, 1: never unlearned; {by}from the lowest to the"
        f" highest metric): {', '.join(parts)}{rest}."
    )


def _best(cards: Sequence[ReportCard]) -> str | None:
    """The metric with the smallest error among those that are usable everywhere and blind nowhere."""
    errors = {
        metric: max(card.error for card in own if card.error is not None)
        for metric, own in grouped(cards, lambda card: card.metric).items()
        if all(card.usable and not card.blind for card in own)
    }
    return min(errors, key=lambda name: (errors[name], name)) if errors else None


def ragged_sentences(found: Sequence[Profile]) -> Iterator[str]:
    """For which unlearned methods no one share explains all metrics."""
    methods = of_methods(found)
    if not methods:
        return
    ragged = [one for one in methods if one.ragged]
    places = [
        f"{_method(one)} on {one.benchmark} (least by {one.least}, most by {one.most})"
        for one in ragged
    ]
    total = len(methods)
    if ragged:
        yield (
            f"The metrics contradict each other on {len(ragged)} of {total} unlearned methods by benchmark:"
            f" no one share explains them: {few(places, NAMED)}. One metric does not describe these models."
        )
    else:
        yield (
            f"On none of {total} unlearned methods by benchmark do the metrics contradict each other beyond"
            " the noise. This does not show that they agree."
        )
    left = [one for one in found if one.role in TRAINED]
    basis = {one.basis for one in methods}
    if "normal" in basis:
        yield (
            "There are too few models of known truth to compare these contradictions with theirs at 5%;"
            " normal noise was assumed."
        )
    elif left:
        over = " (of all benchmarks together)" if "all_benchmarks" in basis else ""
        yield (
            f"The level of this test is set by {count(len(left), 'model')} of known truth, each judged"
            f" without its seed{over}: {sum(one.ragged for one in left)} of them contradict themselves."
        )


def _method(one: Profile) -> str:
    return f"{one.method} {one.strength}".strip()
