"""docs/methods.md is made from the cards, and a Markdown reader finds in it what they say."""

from __future__ import annotations

from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from uqs.cli.method_page import escaped, page
from uqs.methods.cards import CARDS
from uqs.methods.cards.card import Passes
from uqs.methods.cards.hyperparameters import hyperparameters

DOCS = Path(__file__).parents[3] / "docs" / "methods.md"


def read(text: str) -> list[Token]:
    return MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)


def plain(token: Token) -> str:
    """What a reader sees of an inline token."""
    parts = [
        child.content for child in token.children or [] if child.type in ("text", "code_inline")
    ]
    return "".join(parts)


def tables(text: str) -> list[list[list[str]]]:
    """The tables of a page: rows of cells, the head left out."""
    found: list[list[list[str]]] = []
    for before, token in zip([None, *read(text)], read(text), strict=False):
        if token.type == "tbody_open":
            found.append([])
        elif token.type == "tr_open" and found:
            found[-1].append([])
        elif token.type == "inline" and before is not None and before.type == "td_open":
            found[-1][-1].append(plain(token))
    return [[row for row in table if row] for table in found]


def test_the_page_of_methods_is_that_of_the_cards() -> None:
    assert DOCS.read_text() == page(), "python -m uqs.cli.method_page > docs/methods.md"


def test_the_first_table_has_every_method() -> None:
    rows = tables(page())[0]
    assert [row[0] for row in rows] == list(CARDS)
    for row in rows:
        card = CARDS[row[0]]
        protects = "yes" if card.protects else "no"
        about = [card.fidelity, card.passes.in_words(), card.needs_in_words(), protects]
        assert row[1:] == [" ".join(card.loss.split()), *about]


def test_every_method_has_its_section_and_hyperparameters() -> None:
    seen = [plain(token) for token in read(page()) if token.type == "inline"]
    for card in CARDS.values():
        assert f"{card.title}: {card.name}" in seen
        assert f"source: {card.source}" in seen
        differs = f"; {' '.join(card.differs.replace('`', '').split())}" if card.differs else ""
        assert f"fidelity: {card.fidelity}{differs}" in seen
    shown = iter(tables(page())[1:])
    for card in CARDS.values():
        expected = [
            [one.name, one.default, one.bounds, one.description.replace("`", "")]
            for one in hyperparameters(card.settings)
        ]
        if expected:
            assert next(shown) == expected
    assert next(shown, None) is None


@pytest.mark.parametrize(
    "text",
    [
        "KL(p || q) of `a|b` * c_i_ * d",
        "<image> & [x](y) ~~no~~ \\ _under_ &amp; 2 < 3 > 1",
        "# no heading | at all",
    ],
)
def test_marks_are_shown_as_they_are(text: str) -> None:
    assert tables(f"| a |\n| --- |\n| {escaped(text)} |\n") == [[[text.replace("`", "")]]]


@pytest.mark.parametrize(
    ("passes", "said"),
    [
        ((1, 0), "1 training"),
        ((2, 1), "2 training + 1 forward"),
        ((0.5, 1.25), "0.5 training + 1.25 forward"),
        ((0, 0), "none"),
        ((0, 1), "1 forward"),
    ],
)
def test_passes_in_words(passes: tuple[float, float], said: str) -> None:
    assert Passes(*passes).in_words() == said
