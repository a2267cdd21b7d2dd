"""Ends a run: analyses, prints and draws its results."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from uqs import io
from uqs.report import story
from uqs.report.analysis import analyse, tree
from uqs.report.board import page
from uqs.report.board.samples.gather import gather
from uqs.report.printed import show
from uqs.report.terminal import plain_console


def finish(run: Path, console: Console | None = None) -> Path:
    """Analyse a run folder, write its analysis, report and board into it, and print the outcome.

    Returns the board's path. The output depends only on the results table, the gates, the items and the
    traces, so equal results give equal bytes.
    """
    found = analyse(run)
    analysis, board = run / "report" / "analysis.json", run / "board" / "index.html"
    report = run / "report" / "report.html"
    numbers = tree(found)
    texts = {
        analysis: json.dumps(numbers, indent=1, allow_nan=False) + "\n",
        report: story.page(found),
        board: page(found, numbers, gather(found.rows, run)),
    }
    for file, text in texts.items():
        file.parent.mkdir(exist_ok=True)
        io.write_text(file, text)
    console = console or plain_console()
    show(found, console)
    console.print(f"\nanalysis: {analysis}", soft_wrap=True)
    console.print(f"report: {report}", soft_wrap=True)
    console.print(f"board: {board}", soft_wrap=True)
    return board
