"""The verbs `uqs submit ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

submit = typer.Typer(
    name="submit", rich_markup_mode=None, no_args_is_help=True, help="Results for somebody's board."
)


@submit.callback()
def _submit() -> None:
    """Results for somebody's board."""


@submit.command()
def validate(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A run folder, or its results.parquet."),
    ],
) -> None:
    """Check results that somebody else made, as a board's repository does.

    Schema, names, hashes, bounds, and all that can be computed again: values from items, gaps, score. One
    line a problem, and exit code 2.
    """
    from uqs.submission import problems
    from uqs.text import count

    found = problems(file)
    for line in found:
        typer.echo(" ".join(line.split()))
    if found:
        typer.echo(count(len(found), "problem"), err=True)
        raise typer.Exit(2)
    typer.echo(f"{file}: valid")
