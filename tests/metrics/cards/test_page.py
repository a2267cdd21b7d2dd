from __future__ import annotations

from pathlib import Path

from uqs.metrics.cards import CARDS
from uqs.metrics.cards.page import page

DOCS = Path(__file__).parents[3] / "docs" / "metrics.md"


def test_the_page_of_metrics_is_that_of_the_cards() -> None:
    assert DOCS.read_text() == page(), "python -m uqs.metrics.cards.page > docs/metrics.md"
    for symbol in CARDS:
        assert f"### {symbol}" in page()
