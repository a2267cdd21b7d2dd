"""What a person reads on the terminal: one kind of console, one kind of table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

WIDTH = 120
"""Columns where the output is no terminal."""
WIDE = 150
"""The same for tables that have a column for each of many metrics, or long texts."""


@dataclass(frozen=True)
class Sheet:
    """A titled table of text, and a note that says how to read it.

    Columns but those of `left` are numbers, which end on the right. `rules` says before which rows a line is
    drawn. Where `fixed` is set, no column is ever folded.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    left: Sequence[int] = (0,)
    rules: Sequence[int] = ()
    fixed: bool = False


def plain_console(width: int = WIDTH) -> Console:
    """Standard output, names printed as they are; `width` columns where it is no terminal."""
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = width
    return console


def write_sheet(console: Console, sheet: Sheet) -> None:
    """Print the table, its note below it."""
    table = Table(
        title=sheet.title,
        title_justify="left",
        caption=sheet.note or None,
        caption_justify="left",
    )
    for at, name in enumerate(sheet.columns):
        table.add_column(
            name,
            justify="left" if at in sheet.left else "right",
            no_wrap=sheet.fixed or at == 0,
            overflow="fold",
        )
    for at, row in enumerate(sheet.rows):
        if at in sheet.rules:
            table.add_section()
        table.add_row(*row)
    console.print(table)


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
    """Print plain values as JSON; a number that JSON has no word for is a ValueError."""
    print(json.dumps(tree, indent=2, allow_nan=False))
