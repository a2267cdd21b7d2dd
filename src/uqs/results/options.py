"""The options by which a table is read, the same for every verb that reads one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Table = Annotated[
    Path,
    typer.Argument(
        help="Results: CSV, TSV, JSON, JSON lines, Parquet, Markdown or LaTeX, wide or long."
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option("--columns", help="NAME,NAME: read these metrics alone; keys are always read."),
]
Drop = Annotated[
    list[str] | None, typer.Option("--drop", help="NAME,NAME: leave these columns or metrics out.")
]
Rename = Annotated[
    list[str] | None,
    typer.Option("--rename", help="OLD=NEW: read a column or metric under another name."),
]
Percent = Annotated[
    list[str] | None,
    typer.Option(
        "--percent", help="NAME,NAME: metrics in percent; divide values and errors by 100."
    ),
]
