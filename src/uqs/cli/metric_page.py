"""The page of all metrics: `python -m uqs.cli.metric_page > docs/metrics.md`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isinf

from uqs import registry
from uqs.cli.listing import entries
from uqs.metrics.catalogue import CORE, metric_card
from uqs.records import Group, MetricCard

_BEGIN = """# Metrics

Every metric is a pure function of [traces](traces.md): value, standard error (clustered by entity), n,
status. What a good value does *not* show is said for each, and a test shows that it is so. This page is
made from the cards of the classes in `src/uqs/metrics/`.

`better`: lower, higher, or *target*: nearer to the oracle's own value is better. `needs`: what is read
beside traces of the benchmark's own splits. **Core** metrics are those of a study that names none. Further
rows of a metric stand under splits such as `forget/cloze`, `forget/layer-2` or `forget/above_oracle`.

Every row has the gap to the oracles, value minus theirs, and its z against the spread between them
(`uqs.gaps`), where there are oracles enough.
"""
TITLES: Mapping[Group, str] = {
    "accuracy": "Accuracy",
    "memorisation": "How well the forgotten answers are still known by heart",
    "membership": "Membership inference",
    "distance": "Distances to the oracle",
    "recoverability": "What of the suppressed knowledge can be brought back",
    "health": "Whether a model still works at all",
}


def page() -> str:
    """The page as Markdown."""
    return "\n".join([_BEGIN, *_parts()])


def _parts() -> Iterator[str]:
    summaries = {entry.name: entry.summary for entry in entries("metric")}
    cards = [metric_card(name) for name in registry.BUILT_IN["metric"]]
    for group, title in TITLES.items():
        yield f"## {title}\n"
        for card in cards:
            if card.group == group:
                yield _card(card, summaries[card.name])


def _card(card: MetricCard, summary: str) -> str:
    low, high = ("no limit" if isinf(bound) else f"{bound:g}" for bound in card.bounds)
    facts = [
        f"better: {card.better}",
        f"bounds: {low} to {high}",
        f"headline on: {card.split}{_version(card)}",
        f"needs: {', '.join(sorted(card.needs)) or 'nothing more'}",
    ]
    core = ", core" if card.name in CORE else ""
    return (
        f"### {card.symbol}: `{card.name}`{core}\n\n{summary}\n\n{'; '.join(facts)}.\n"
        f"A good value does not show {card.does_not_show}.\nSource: {card.source}.\n"
    )


def _version(card: MetricCard) -> str:
    if card.version == 1:
        return ""
    return f" (version {card.version}; before, and as published: {', '.join(card.formerly)})"


if __name__ == "__main__":
    print(page(), end="")
