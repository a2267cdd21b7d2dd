"""The verb `uqs tables`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def tables(
    results: Annotated[
        Path, typer.Argument(metavar="RESULTS", help="A run folder, or any results table.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write the tables into.")],
    formats: Annotated[
        str, typer.Option("--format", metavar="NAME,NAME", help="tex, md, csv.")
    ] = "tex",
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME,NAME", help="Only these tables.")
    ] = None,
) -> None:
    """Write the tables of a paper from results.

    As LaTeX (booktabs) and Markdown for readers, as CSV with exact numbers. A table that there are no data
    for is left out, and it is said why.
    """
    from uqs.report.tables.write import write

    for line in write(results, out, formats, only or []):
        typer.echo(line)
