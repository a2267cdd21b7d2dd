"""HTML that is always escaped: elements, tables, and the frame of a page."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from typing import Literal

from uqs.report.terminal import Sheet

VOID = frozenset({"meta"})


class Markup(str):
    """Text that already is HTML; all other text is escaped."""

    __slots__ = ()


Child = Markup | str | None
Attributes = Mapping[str, str | None]


def join(children: Iterable[Child]) -> Markup:
    """The children in sequence; plain text is escaped, None is skipped."""
    return Markup("".join(_escaped(child) for child in children if child is not None))


def el(tag: str, attributes: Attributes, *children: Child) -> Markup:
    """An element; attributes with the value None are left out."""
    given = "".join(
        f' {name}="{escape(value)}"' for name, value in attributes.items() if value is not None
    )
    if tag in VOID:
        return Markup(f"<{tag}{given}>")
    return Markup(f"<{tag}{given}>{join(children)}</{tag}>")


def document(title: str, style: str, *body: Child, policy: str | None = None) -> str:
    """A self-contained page; `style` is CSS, `policy` says what the page may load and run."""
    head = el(
        "head",
        {},
        el("meta", {"charset": "utf-8"}),
        el("meta", {"http-equiv": "Content-Security-Policy", "content": policy})
        if policy is not None
        else None,
        el("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        el("title", {}, title),
        el("style", {}, Markup(style)),
    )
    return f"<!doctype html>\n{el('html', {'lang': 'en'}, head, el('body', {}, *body))}\n"


def hashed(text: str) -> str:
    """A style or script as a content security policy allows it: by its SHA-256."""
    return "'sha256-" + b64encode(sha256(text.encode()).digest()).decode() + "'"


def p(*children: Child) -> Markup:
    return el("p", {}, *children)


def note(*children: Child) -> Markup:
    """Small print."""
    return el("p", {"class": "note"}, *children)


def bullets(items: Iterable[Child]) -> Markup:
    return el("ul", {}, *(el("li", {}, item) for item in items))


def details(summary: str, *children: Child) -> Markup:
    """Content that is shown on demand."""
    return el("details", {}, el("summary", {}, summary), *children)


def _escaped(child: Markup | str) -> str:
    return child if isinstance(child, Markup) else escape(child)


@dataclass(frozen=True)
class Column:
    """`first`: the sort order of the first click, None if not sortable; `hint` explains the column."""

    title: str
    first: Literal["ascending", "descending"] | None = "ascending"
    hint: str = ""
    words: bool = False


@dataclass(frozen=True)
class Cell:
    """The shown text, the exact value for sorting and checks (None if missing), and small print."""

    shown: Child
    value: float | str | None = None
    small: str = ""
    style: str | None = None


def text(words: str) -> Cell:
    return Cell(words, words)


@dataclass(frozen=True)
class Grid:
    """A table of cells; `reference` rows always stay below the others when sorted."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    reference: Sequence[Sequence[Cell]] = ()
    style: str | None = None


def grid(sheet: Sheet) -> Grid:
    """A table of text as a grid that cannot be sorted."""
    columns = [Column(name, None, words=at in sheet.left) for at, name in enumerate(sheet.columns)]
    return Grid(sheet.title, columns, [[Cell(word) for word in row] for row in sheet.rows])


def table(grid: Grid) -> Markup:
    """The grid as a table; the first column names the rows."""
    head = el("tr", {}, *(_header(column) for column in grid.columns))
    body = el("tbody", {}, *(_row(grid, row) for row in grid.rows))
    reference = el("tbody", {"class": "reference"}, *(_row(grid, row) for row in grid.reference))
    return scrolling(
        grid.caption,
        el(
            "table",
            {"class": grid.style},
            el("caption", {}, grid.caption),
            el("thead", {}, head),
            body,
            reference if grid.reference else None,
        ),
    )


def scrolling(label: str, content: Markup) -> Markup:
    """Wide content that scrolls separately, also with the keyboard."""
    return el(
        "div", {"class": "wide", "role": "region", "aria-label": label, "tabindex": "0"}, content
    )


def _header(column: Column) -> Markup:
    style = "words" if column.words else None
    small = el("small", {}, column.hint) if column.hint else None
    if column.first is None:
        return el("th", {"scope": "col", "class": style}, column.title, small)
    button = el("button", {"type": "button", "data-first": column.first}, column.title)
    return el("th", {"scope": "col", "class": style, "aria-sort": "none"}, button, small)


def _row(grid: Grid, row: Sequence[Cell]) -> Markup:
    cells = []
    for at, (column, cell) in enumerate(zip(grid.columns, row, strict=True)):
        value = (
            cell.value if isinstance(cell.value, str) or cell.value is None else repr(cell.value)
        )
        style = " ".join(filter(None, ("words" if column.words else None, cell.style))) or None
        small = el("small", {}, cell.small) if cell.small else None
        given = {"class": style, "data-value": value}
        if at == 0:
            cells.append(el("th", {"scope": "row", **given}, cell.shown, small))
        else:
            cells.append(el("td", given, cell.shown, small))
    return el("tr", {}, *cells)
