"""Which metrics can be trusted here, and what they say."""

from __future__ import annotations

from collections.abc import Sequence

from uqs.audit.report_cards import ReportCard
from uqs.audit.share_words import two
from uqs.audit.short import by_topic
from uqs.metrics.catalogue import is_health
from uqs.report.analysis import Analysis
from uqs.report.evidence import Evidence
from uqs.report.story.chapter import Chapter
from uqs.report.tables.results import MOST, sheet
from uqs.report.tables.table import coverage
from uqs.report.terminal import Sheet
from uqs.report.truth_picture import strips
from uqs.text import DASH

KEEPING = "RA"
"""What a method keeps stands beside what it forgets."""
METHODS = 12
"""With more, means and pictures of methods are left to the board."""


def trusted(found: Analysis) -> Chapter:
    """What the ladder of references says of each metric."""
    said = by_topic(found.audit)["trust"]
    rows = [_row(found, name) for name in found.summary.metrics if not is_health(name)]
    note = (
        "Says how much is known: on how many benchmarks a metric follows the share of the forget set that"
        " references were taught; error: of the share it then estimates (the largest). Deceived: by"
        " models that know and do not say it. Fooled: by damaged models. Told apart: pairs of methods,"
        " beyond the noise of seeds and oracles."
    )
    columns = ("metric", "says how much is known", "error", "deceived", "fooled", "told apart")
    return Chapter(
        "Which metrics can be trusted here", said, [Sheet("Metrics", columns, rows, note)]
    )


def usable(found: Analysis) -> list[str]:
    """The metrics that follow the truth on every benchmark with a ladder, by their largest error."""
    cards = _cards(found)
    places = {card.benchmark for card in cards}
    good = {
        name: max(card.error or 0.0 for card in own)
        for name in found.summary.metrics
        if (own := [card for card in cards if card.metric == name and card.usable])
        and len(own) == len(places)
    }
    return sorted(good, key=lambda name: (good[name], name))


def _cards(found: Analysis) -> list[ReportCard]:
    return [card for card in found.audit.report_cards if card.headline]


def _row(found: Analysis, metric: str) -> tuple[str, ...]:
    own = [card for card in _cards(found) if card.metric == metric]
    good = [card for card in own if card.usable]
    errors = [card.error for card in good if card.error is not None]
    return (
        metric,
        coverage(len(good), len(own)) if own else "not tested",
        two(max(errors)) if errors else DASH,
        _misled([card for card in good if card.suppressed], "blind"),
        _misled([card for card in good if card.damaged], "fooled"),
        _apart(found, metric),
    )


def _misled(cards: Sequence[ReportCard], how: str) -> str:
    if not cards:
        return "not tested"
    misled = sum(bool(getattr(card, how)) for card in cards)
    return "no" if not misled else f"yes, {coverage(misled, len(cards))}"


def _apart(found: Analysis, metric: str) -> str:
    orders = [
        one for one in found.audit.resolution if one.metric == metric and one.found is not None
    ]
    pairs = sum(len(one.methods) * (len(one.methods) - 1) // 2 for one in orders)
    told = sum(len(one.separated) for one in orders)
    return f"{told} of {pairs} pairs" if pairs else "not known"


def said(found: Analysis) -> Chapter:
    """What the metrics say of the methods: values, and known shares where there is a ladder."""
    sentences = list(by_topic(found.audit)["knowledge"])
    if len(found.summary.methods) > METHODS:
        sentences.append(
            f"The values of {len(found.summary.methods)} methods and strengths are on the board and in the"
            " results table."
        )
        return Chapter("What they say", sentences)
    every = [name for name in found.summary.metrics if not is_health(name)]
    first = [*usable(found)[: MOST - 1], KEEPING, *every]
    shown = [name for name in dict.fromkeys(first) if name in every][:MOST]
    evidence = Evidence(found.rows[0].study, found.long, found.panel, found.audit)
    kept = [name for name in found.summary.benchmarks if name not in found.stopped]
    sheets = [sheet(evidence, name, [m for m in every if m in shown]) for name in kept]
    return Chapter("What they say", sentences, sheets, strips(found.audit.profiles) or None)
