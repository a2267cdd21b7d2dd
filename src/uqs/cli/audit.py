"""The verb `uqs audit`."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated, cast

import numpy as np
import typer

from uqs.errors import UserError
from uqs.panel import Better


def audit(
    table: Annotated[Path, typer.Argument(help="Results: CSV, JSON or Parquet, wide or long.")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write one self-contained page.")
    ] = None,
    direction: Annotated[
        list[str] | None,
        typer.Option(help="NAME=lower, higher or target: which values of a metric are better."),
    ] = None,
    resamples: Annotated[
        int, typer.Option(help="Random draws where not all can be computed.", min=1)
    ] = 10_000,
    seed: Annotated[int, typer.Option(help="Seed of the random draws.", min=0)] = 0,
) -> None:
    """Say what a results table can and cannot support: verdicts first, then the tables."""
    from uqs.audit.audit import audit_long
    from uqs.report.audited import page, show
    from uqs.tables import read_long

    found = audit_long(
        read_long(table),
        rng=np.random.default_rng(seed),
        resamples=resamples,
        directions=parse_directions(direction or []),
        name=str(table),
    )
    if html is not None:
        write(html, page(found, table.name))
    if json:
        print(jsonlib.dumps(found.to_dict(), indent=2, allow_nan=False))
    else:
        show(found)


def parse_directions(given: list[str]) -> dict[str, Better]:
    """NAME=lower|higher|target, each name once."""
    found: dict[str, Better] = {}
    for word in given:
        name, _, better = word.partition("=")
        if not name or better not in ("lower", "higher", "target"):
            raise UserError(f"--direction {word!r} is not NAME=lower, NAME=higher or NAME=target")
        if name in found:
            raise UserError(f"--direction names {name!r} twice")
        found[name] = cast(Better, better)
    return found


def write(path: Path, text: str) -> None:
    """Write under a temporary name, then rename."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from None
