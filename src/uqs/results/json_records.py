"""Reads JSON: a list of records, or one record per line."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from uqs.errors import DataError
from uqs.results.raw import File, RawTable, refuse_doubles


def read(text: str, file: File) -> RawTable:
    """The cells; whole numbers stay whole. Raises DataError if the text is not such a table."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        refuse_doubles([name for name, _ in pairs], file)
        return dict(pairs)

    lines = [line for line in text.splitlines() if line.strip()]
    try:
        data = json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        if len(lines) < 2 or not all(line.lstrip().startswith("{") for line in lines):
            raise DataError(f"is not readable JSON ({_line(error)})", file=file) from None
        data = []
        for number, line in enumerate(lines, start=1):
            try:
                data.append(json.loads(line, object_pairs_hook=unique))
            except (ValueError, RecursionError) as wrong:
                problem = f"is not readable JSON ({_line(wrong)})"
                raise DataError(problem, file=file, row=number) from None
    if isinstance(data, dict) and len(lines) == 1 and data:
        data = [data]
    if not isinstance(data, list) or not all(isinstance(record, dict) for record in data):
        raise DataError("is not a list of records", file=file)
    return RawTable(pd.DataFrame(data, dtype=object))


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0]
