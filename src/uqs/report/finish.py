"""The end of a run: its results analysed, printed, and drawn on a board."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from uqs.report.analysis import analyse, tree
from uqs.report.board import page
from uqs.report.printed import show

WIDTH = 120
"""Columns where the output is no terminal."""


def finish(run: Path, console: Console | None = None) -> Path:
    """Analyse a run folder, write `report/analysis.json` and `board/index.html` into it, and print both.

    Returns the board. Nothing but the results table and the gates decides what is written, so equal
    results give equal bytes.
    """
    found = analyse(run)
    analysis, board = run / "report" / "analysis.json", run / "board" / "index.html"
    _write(analysis, json.dumps(tree(found), indent=1, allow_nan=False) + "\n")
    _write(board, page(found))
    console = console or _plain_console()
    show(found, console)
    console.print(f"\nanalysis: {analysis}", soft_wrap=True)
    console.print(f"board: {board}", soft_wrap=True)
    return board


def _plain_console() -> Console:
    """A console that reads no markup in names."""
    console = Console(markup=False, highlight=False)
    return console if console.is_terminal else Console(markup=False, highlight=False, width=WIDTH)


def _write(path: Path, text: str) -> None:
    """Write under a temporary name, then rename."""
    path.parent.mkdir(exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
