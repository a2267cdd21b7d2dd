"""Reads any results table: our Parquet, other files, or a dataframe."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from uqs.card_metadata import attach
from uqs.errors import DataError, UserError
from uqs.results import arrow, files, schema
from uqs.results.choice import EVERYTHING, Choice
from uqs.results.encoding import read_bytes
from uqs.results.headers import is_unnamed
from uqs.results.long_form import long_form as checked
from uqs.results.long_form import of_results
from uqs.results.panel import Panel
from uqs.results.pivot import (
    Directions,
    between_oracles,
    directions_of,
    headline,
    per_model,
    to_panel,
    with_variants,
)
from uqs.results.raw import File, RawTable, refuse_doubles

__all__ = [
    "Directions",
    "between_oracles",
    "directions_of",
    "from_dataframe",
    "from_rows",
    "headline",
    "long_form",
    "of_rows",
    "per_model",
    "read_long",
    "read_table",
    "to_panel",
    "with_variants",
]


def read_table(
    path: Path, directions: Directions | None = None, choice: Choice = EVERYTHING
) -> Panel:
    """Read a table; `directions` adds to the metrics' own.

    Raises DataError with file, row (from 1, without the header) and field if the table cannot be read.
    """
    return to_panel(read_long(path, choice), path, directions)


def read_long(path: Path, choice: Choice = EVERYTHING) -> pd.DataFrame:
    """Read a table into the checked long form (see `long_form.COLUMNS`)."""
    data = read_bytes(path)
    if not files.is_parquet(data, path):
        return checked(files.parse(data, path), path, choice)
    table = arrow.read(data, path)
    if schema.is_ours(table):
        long = of_results(schema.checked_frame(table, path), path, choice)
    else:
        long = checked(RawTable(arrow.to_frame(table)), path, choice)
    return attach(long, table.schema.metadata, path)


def from_dataframe(
    frame: Any,
    directions: Directions | None = None,
    file: File = "dataframe",
    choice: Choice = EVERYTHING,
) -> Panel:
    """A Panel from any dataframe that narwhals reads, in wide or long form."""
    return to_panel(long_form(frame, file, choice), file, directions)


def long_form(frame: Any, file: File = "dataframe", choice: Choice = EVERYTHING) -> pd.DataFrame:
    """The checked long form of any wide or long dataframe; keys may be in its index."""
    import narwhals as nw  # slow to load, and no file needs it

    try:
        table = nw.from_native(frame, eager_only=True)
    except TypeError:
        raise UserError(f"{type(frame).__name__} is not a dataframe that UQS can read") from None
    except nw.exceptions.DuplicateError:
        raise DataError("two columns have the same name", file=file) from None
    native = nw.to_native(table)
    read = (
        _with_index(native)
        if isinstance(native, pd.DataFrame)
        else arrow.to_frame(table.to_arrow())
    )
    names = [str(name) for name in read.columns]
    refuse_doubles(names, file)
    return checked(RawTable(read.set_axis(names, axis=1)), file, choice)


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its named index levels as columns."""
    named = [name for name in frame.index.names if name is not None and not is_unnamed(str(name))]
    rest = [level for level, name in enumerate(frame.index.names) if name not in named]
    if not named:
        return frame.reset_index(drop=True)
    return (frame.reset_index(level=rest, drop=True) if rest else frame).reset_index()


def from_rows(
    rows: Iterable[schema.Row], file: File = "results", directions: Directions | None = None
) -> Panel:
    """A Panel from rows of the long results table."""
    return to_panel(of_rows(schema.check(rows, file), file), file, directions)


def of_rows(rows: Iterable[schema.Row], file: File = "results") -> pd.DataFrame:
    """The long form of checked rows, from a file or from `check`."""
    return of_results(schema.to_frame(rows), file)
