"""The page of all metrics: `python -m uqs.cli.metric_page > docs/metrics.md`."""

from __future__ import annotations

from collections.abc import Iterator
from math import isinf

from uqs.cli.listing import entries
from uqs.metrics.cards import CORE, GROUPS
from uqs.records import MetricCard

_BEGIN = """# Metrics

Every metric is a pure function of [traces](traces.md): value, standard error (clustered by entity), n,
status. What a good value does *not* show is said for each, and a test shows that it is so. This page is
made from the cards in `src/uqs/metrics/cards/`.

`better`: lower, higher, or *target*: nearer to the oracle's own value is better. `needs`: what is read
beside traces of the benchmark's own splits. **Core** metrics are those of a study that names none. Further
rows of a metric stand under splits such as `forget/cloze`, `forget/layer-2` or `forget/above_oracle`.

Every row has the gap to the oracles, value minus theirs, and its z against the spread between them
(`uqs.gaps`), where there are oracles enough.
"""


def page() -> str:
    """The page as Markdown."""
    return "\n".join([_BEGIN, *_parts()])


def _parts() -> Iterator[str]:
    summaries = {entry.name: entry.summary for entry in entries("metric")}
    for group in GROUPS:
        yield f"## {(group.__doc__ or '').rstrip('.')}\n"
        for card in group.CARDS:
            yield _card(card, summaries[card.name])


def _card(card: MetricCard, summary: str) -> str:
    low, high = ("no limit" if isinf(bound) else f"{bound:g}" for bound in card.bounds)
    facts = [
        f"better: {card.better}",
        f"bounds: {low} to {high}",
        f"headline on: {card.split}",
        f"needs: {', '.join(sorted(card.needs)) or 'nothing more'}",
    ]
    core = ", core" if card.name in CORE else ""
    return (
        f"### {card.symbol}: `{card.name}`{core}\n\n{summary}\n\n{'; '.join(facts)}.\n"
        f"A good value does not show {card.does_not_show}.\nSource: {card.source}.\n"
    )


if __name__ == "__main__":
    print(page(), end="")
