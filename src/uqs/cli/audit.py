"""The verb `uqs audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uqs.cli.options import (
    ColumnsOption,
    DirectionOption,
    DropOption,
    FullOption,
    JsonOption,
    PercentOption,
    RenameOption,
    SeedOption,
    TableArgument,
    parse_directions,
)


def _show_schema(asked: bool) -> None:
    if asked:
        from importlib.resources import files

        typer.echo((files("uqs.audit") / "audit.schema.json").read_text("utf-8"), nl=False)
        raise typer.Exit


def audit(
    table: TableArgument,
    json: JsonOption = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Also write one self-contained page with all tables."),
    ] = None,
    full: FullOption = False,
    direction: DirectionOption = None,
    columns: ColumnsOption = None,
    drop: DropOption = None,
    rename: RenameOption = None,
    percent: PercentOption = None,
    resamples: Annotated[
        int,
        typer.Option(
            help="Random draws, if there are too many arrangements to compute all.", min=1
        ),
    ] = 10_000,
    seed: SeedOption = 0,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="arm|benchmark|edition|model",
            help="Also compare the agreement of metrics between these parts of the table. `arm` is the "
            "table's column of that name, or the form in which facts are asked.",
        ),
    ] = None,
    _schema: Annotated[
        bool,
        typer.Option(
            "--schema",
            callback=_show_schema,
            is_eager=True,
            help="Print the JSON schema of what --json prints.",
        ),
    ] = False,
) -> None:
    """Say what a results table can and cannot support.

    Prints the verdicts, then the tables that carry them; --full prints all tables.
    """
    import numpy as np

    from uqs import io
    from uqs.audit.audit import audit_long
    from uqs.report.audited import page, show
    from uqs.report.terminal import plain_console, write_json
    from uqs.results.choice import parse
    from uqs.results.tables import read_long

    rng = np.random.default_rng(seed)
    found = audit_long(
        read_long(table, parse(columns or [], drop or [], rename or [], percent or [])),
        rng=rng,
        resamples=resamples,
        directions=parse_directions(direction or []),
        name=str(table),
        by=by,
    )
    if by is not None:
        from uqs.reproduction.modality import with_published

        found = with_published(found, rng)
    if html is not None:
        io.write_text(html, page(found, table.name))
    if json:
        write_json(found.to_dict())
    else:
        show(found, plain_console(), full=full)
