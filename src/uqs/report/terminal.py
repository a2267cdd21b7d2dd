"""Output on the terminal: one kind of console, one kind of table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

WIDTH = 120
"""Columns if the output is not a terminal."""
WIDE = 150
"""The same for long texts."""


@dataclass(frozen=True)
class Sheet:
    """A titled table of text, and a note that says how to read it.

    Columns are numbers, aligned right, except those in `left`. `rules`: the rows before which a line is
    drawn.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    left: Sequence[int] = (0,)
    rules: Sequence[int] = ()


def plain_console(width: int = WIDTH) -> Console:
    """Standard output without markup in names; `width` columns if it is not a terminal."""
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = width
    return console


def write_sheet(console: Console, sheet: Sheet) -> None:
    """Print the table, its note below it.

    Words are folded if the console is narrow, names never. Numbers are folded only on a terminal; elsewhere
    the lines are as long as necessary.
    """
    table = Table(
        title=sheet.title,
        title_justify="left",
        caption=sheet.note or None,
        caption_justify="left",
    )
    for at, name in enumerate(sheet.columns):
        words = at in sheet.left
        table.add_column(
            name,
            justify="left" if words else "right",
            no_wrap=at == 0 or not (words or console.is_terminal),
            overflow="fold",
        )
    for at, row in enumerate(sheet.rows):
        if at in sheet.rules:
            table.add_section()
        table.add_row(*row)
    width = console.width
    if not console.is_terminal:
        console.width = max(width, _needed(sheet))
    console.print(table)
    console.width = width


def _needed(sheet: Sheet) -> int:
    """The table's width in characters if only words are folded."""
    found = 1
    for at, name in enumerate(sheet.columns):
        texts = [name, *(row[at] for row in sheet.rows if at < len(row))]
        folded = at in sheet.left and at > 0
        pieces = (
            piece for text in texts for piece in (text.split() if folded else text.split("\n"))
        )
        found += 3 + max(map(cell_len, pieces), default=0)
    return found


def write_sheets(console: Console, sheets: Iterable[Sheet]) -> None:
    """Print tables, an empty line before each."""
    for sheet in sheets:
        console.print()
        write_sheet(console, sheet)


def write_lines(console: Console, lines: Iterable[str]) -> None:
    """Print sentences as a list."""
    for line in lines:
        console.print(f"- {line}")


def write_json(tree: Mapping[str, Any]) -> None:
    """Print plain values as JSON. Raises ValueError for NaN and infinity."""
    print(json.dumps(tree, indent=2, allow_nan=False))
