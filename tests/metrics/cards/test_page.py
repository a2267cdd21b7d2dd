from __future__ import annotations

from pathlib import Path

from uqs import registry
from uqs.cli.listing import KINDS, entries
from uqs.cli.metric_page import page
from uqs.metrics.catalogue import CARDS

DOCS = Path(__file__).parents[3] / "docs" / "metrics.md"


def test_the_page_of_metrics_is_that_of_the_cards() -> None:
    assert DOCS.read_text() == page(), "python -m uqs.cli.metric_page > docs/metrics.md"
    for symbol in CARDS:
        assert f"### {symbol}" in page()


def test_every_summary_is_of_whole_sentences() -> None:
    for kind in KINDS.values():
        for entry in entries(kind):
            assert entry.summary.endswith("."), entry
            assert "\n" not in entry.summary
    assert len(list(entries("metric"))) == len(registry.names("metric"))
