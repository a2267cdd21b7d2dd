"""What a results table must not be where others see it: too large, or with names that are paths."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from uqs.errors import DataError
from uqs.results.schema import Row

MOST_ROWS = 500_000
"""Some 10,000 runs of 12 metrics against several oracles, with their splits."""
NAMES = ("study", "benchmark", "role", "method", "strength", "metric")
_PATH = re.compile(r"(^|[/\\])\.\.([/\\]|$)|^[/\\~]|^[A-Za-z]:[/\\]|^file:", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def check_size(path: Path, most: int = MOST_ROWS) -> None:
    """Raise DataError for a table with more rows; only the file's footer is read."""
    import pyarrow.parquet as pq

    try:
        rows = pq.read_metadata(path).num_rows
    except (pa.ArrowInvalid, OSError):
        return  # whoever reads it says so
    if rows > most:
        raise DataError(f"has {rows:,} rows; at most {most:,} are read", file=path)


def wrong_names(rows: Iterable[Row], path: Path) -> Iterator[DataError]:
    """One error for each name that is a path or has control characters, at its first row (from 1)."""
    seen: set[tuple[str, str]] = set()
    for number, row in enumerate(rows, start=1):
        for field in NAMES:
            name = getattr(row, field)
            if (field, name) in seen:
                continue
            seen.add((field, name))
            if _PATH.search(name):
                yield DataError(
                    f"{name!r} is a path, not a name", file=path, row=number, field=field
                )
            elif _CONTROL.search(name):
                problem = f"{name!r} has control characters"
                yield DataError(problem, file=path, row=number, field=field)
