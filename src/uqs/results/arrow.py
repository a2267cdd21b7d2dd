"""Parquet files and Arrow tables as frames that keep whole numbers whole."""

from __future__ import annotations

import io

import pandas as pd
import pyarrow as pa

from uqs.errors import DataError
from uqs.results.raw import File, refuse_doubles

_WHOLE = {
    pa.int8(): pd.Int64Dtype(),
    pa.int16(): pd.Int64Dtype(),
    pa.int32(): pd.Int64Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.Int64Dtype(),
    pa.uint16(): pd.Int64Dtype(),
    pa.uint32(): pd.Int64Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
}
"""pandas turns integers into floats if a cell is empty, which rounds seeds beyond 2^53."""


def read(data: bytes, file: File) -> pa.Table:
    """The Arrow table of a Parquet file's bytes; DataError if they are not Parquet."""
    import pyarrow.parquet as pq  # slow to load, and a CSV does not need it

    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError) as error:
        problem = f"is not a readable Parquet file ({str(error).partition(chr(10))[0]})"
        raise DataError(problem, file=file) from None
    refuse_doubles(table.column_names, file)
    return table


def to_frame(table: pa.Table) -> pd.DataFrame:
    """All columns, including those that pandas stored as an index."""
    return pd.DataFrame(table.to_pandas(types_mapper=_WHOLE.get, ignore_metadata=True))
