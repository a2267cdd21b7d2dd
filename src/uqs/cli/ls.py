"""The verb `uqs ls`."""

from __future__ import annotations

from typing import Annotated

import typer


def _kinds(incomplete: str) -> list[str]:
    """What a shell may complete."""
    from uqs.cli.listing import KINDS

    return [kind for kind in KINDS if kind.startswith(incomplete)]


def ls(
    kind: Annotated[
        str | None,
        typer.Argument(
            help="benchmarks, models, methods, metrics or probes.", autocompletion=_kinds
        ),
    ] = None,
) -> None:
    """List the names that a study file can use."""
    from uqs.cli.listing import sheets
    from uqs.report.terminal import WIDE, plain_console, write_sheet

    console = plain_console(WIDE)
    for sheet in sheets(kind, console.width):
        write_sheet(console, sheet)
