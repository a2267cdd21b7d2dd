"""The verb `uqs figures`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def figures(
    results: Annotated[
        Path, typer.Argument(metavar="RESULTS", help="A run folder, or any results table.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write the figures into.")],
    formats: Annotated[
        str, typer.Option("--format", metavar="NAME,NAME", help="pdf, svg, png.")
    ] = "pdf",
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME,NAME", help="Only these figures.")
    ] = None,
) -> None:
    """Draw the figures of a paper from results.

    One column wide, with errors and n, the same bytes every time. A figure that the table has no data for is
    left out, and it is said why.
    """
    from uqs.report.figures.write import write

    for line in write(results, out, formats, only or []):
        typer.echo(line)
