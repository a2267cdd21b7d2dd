"""The verb `uqs board`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uqs.cli.options import interruptible


def board(
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULTS...", help="Run folders, or results files with the schema of a run."
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="Folder to write the board into.")] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Serve it on this machine, and follow the results.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to serve on; 0 takes a free one.")
    ] = 8765,
) -> None:
    """Build the board of finished runs.

    One page that needs no server, no network and no other file; several results get a page each, and one
    that lists them.
    """
    from uqs.errors import UserError
    from uqs.report.board.serve import server
    from uqs.report.board.site import write

    if out is None and not serve:
        raise UserError("name a folder with --out DIR, or use --serve")
    if out is not None:
        typer.echo(f"board: {write(results, out)}")
    if serve:
        with server(results, port, typer.echo) as running, interruptible("no longer served"):
            typer.echo(f"board: http://127.0.0.1:{running.server_port}/ (Ctrl-C ends it)")
            running.serve_forever()
