"""A table as it is in the file, before its columns are interpreted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from uqs.errors import DataError

File = Path | str


@dataclass(frozen=True)
class RawTable:
    """Uninterpreted cells by column; `decimal_comma`: 0,35 is a number.

    `rows`: the row numbers for error messages, if they are not 1, 2, 3 ...
    """

    frame: pd.DataFrame
    decimal_comma: bool = False
    rows: tuple[int, ...] | None = None


def of_lines(lines: Sequence[Sequence[str]], file: File) -> pd.DataFrame:
    """Lines of cells, header first. DataError if a line has a different number of cells."""
    names = [name.strip() for name in lines[0]]
    for at, name in enumerate(names):
        unnamed = f"Unnamed: {at}"
        names[at] = name or (f"{unnamed}.1" if unnamed in names else unnamed)
    refuse_doubles(names, file)
    for number, line in enumerate(lines[1:], start=1):
        if len(line) != len(names):
            raise DataError(f"has {len(line)} cells, not {len(names)}", file=file, row=number)
    return pd.DataFrame(list(lines[1:]), columns=names, dtype=object)


def refuse_doubles(names: Sequence[str], file: File) -> None:
    """Raise DataError if two columns have the same name."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError("a second column of this name", file=file, field=name)
        seen.add(name)
