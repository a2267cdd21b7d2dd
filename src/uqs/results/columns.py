"""Converts columns of raw cells to numbers, whole numbers and text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from uqs.errors import DataError
from uqs.results import cells
from uqs.results.panel import FloatArray
from uqs.results.raw import File, RawTable


class Numbers(NamedTuple):
    """`(rows,)` values and the errors after a ±; NaN if missing."""

    values: FloatArray
    errors: FloatArray


class Reader:
    """Reads the columns of one raw table; errors name file, row and field."""

    def __init__(self, raw: RawTable, file: File) -> None:
        self.frame, self.file = raw.frame, file
        self.decimal_comma = raw.decimal_comma
        self.rows = np.arange(1, len(raw.frame) + 1) if raw.rows is None else np.array(raw.rows)

    def wrong(self, problem: str, at: int, field: str) -> DataError:
        return DataError(problem, file=self.file, row=int(self.rows[at]), field=field)

    def numbers(self, name: str, percent: NDArray[np.bool_] | bool = False) -> Numbers:
        """A column's numbers, all NaN if it is absent; `percent`: which rows are in percent."""
        size = len(self.frame)
        values, errors = np.full(size, np.nan), np.full(size, np.nan)
        if name not in self.frame:
            return Numbers(values, errors)
        column = self.frame[name]
        fast = None if self.decimal_comma else _numeric(column)
        if fast is None:
            hundredths = np.broadcast_to(np.asarray(percent, dtype=np.bool_), size)
            for at, cell in enumerate(column.tolist()):
                try:
                    values[at], errors[at] = cells.read(
                        cell, decimal_comma=self.decimal_comma, percent=bool(hundredths[at])
                    )
                except (TypeError, ValueError) as error:
                    raise self.wrong(str(error), at, name) from None
            return Numbers(values, errors)
        if np.isinf(fast).any():
            at = int(np.isinf(fast).argmax())
            raise self.wrong(f"{column.iloc[at]} is not a finite number", at, name)
        return Numbers(np.where(percent, fast / 100, fast), errors)

    def wholes(self, name: str) -> pd.Series[int]:
        """A column's exact whole numbers as nullable int64; all missing if the column is absent."""
        if name not in self.frame:
            return pd.Series(pd.NA, index=self.frame.index, dtype="Int64")
        column = self.frame[name]
        if pd.api.types.is_signed_integer_dtype(column):
            return column.astype("Int64")
        seen: dict[tuple[type, Any], int | None] = {}
        found = []
        for at, cell in enumerate(column.tolist()):
            try:
                key = (type(cell), cell)
                if key not in seen:
                    seen[key] = cells.read_whole(cell)
                found.append(seen[key])
            except (TypeError, ValueError) as error:
                raise self.wrong(_words(error, cell), at, name) from None
        return pd.Series(pd.array(found, dtype="Int64"), index=self.frame.index)

    def text(self, name: str, clean: Callable[[str], str] | None = None) -> pd.Series[str]:
        """A column's words, stripped and cleaned by `clean`; empty if a cell or the column is missing."""
        if name not in self.frame:
            return pd.Series("", index=self.frame.index, dtype="str")
        column = self.frame[name]
        words = column.astype(object).where(column.notna(), "").astype("str").str.strip()
        if clean is None:
            return words
        codes, found = pd.factorize(words)
        cleaned = np.array([clean(str(word)) for word in found], dtype=object)
        return pd.Series(cleaned[codes], index=words.index, dtype="str")


def _words(error: Exception, cell: Any) -> str:
    return f"{cell!r} is not a number" if isinstance(error, TypeError) else str(error)


def _numeric(column: pd.Series) -> FloatArray | None:
    """The column as numbers if all its cells are plain numbers; None if cells must be read one by one."""
    if pd.api.types.is_bool_dtype(column):
        return None
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    try:
        words = pa.array(column.tolist(), type=pa.string(), from_pandas=True)
        words = pc.if_else(pc.equal(words, ""), None, words)
        found = words.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowException:
        return None
    # Words such as `nan(1)` are left to the reader of single cells, which knows the words for missing.
    return found if np.isnan(found).sum() == words.null_count else None
