"""Per-sample values in `items.parquet`; a row of the results table is their mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from uqs import io
from uqs.errors import DataError


@dataclass(frozen=True)
class Item:
    """A metric's value for one sample of a model; all fields up to `metric` identify its row in the results.

    Items of different models on the same question have the same `id`, so models can be compared in pairs.
    """

    benchmark: str
    edition: str
    model: str
    role: str
    method: str
    strength: str
    seed: int
    oracle_seed: int | None
    split: str
    metric: str
    id: str
    entity: str
    value: float


_TYPES = {"str": pa.string(), "int": pa.int64(), "int | None": pa.int64(), "float": pa.float64()}
SCHEMA = pa.schema(
    [
        pa.field(one.name, _TYPES[str(one.type)], nullable="None" in str(one.type))
        for one in fields(Item)
    ]
)
_COLUMNS = {one.name: one.type for one in SCHEMA}
KEY = tuple(one.name for one in fields(Item) if one.name not in ("entity", "value"))
MODEL = KEY[: KEY.index("oracle_seed")]
"""What names a model."""
LARGEST = 2**62
"""Codes of keys stay below it."""


def table(
    ids: Sequence[str], entities: Sequence[str], values: ArrayLike, **row: str | int | None
) -> pa.Table:
    """The items of one row of results, which the other fields of Item name."""
    columns: dict[str, pa.Array] = {
        "id": pa.array(ids, pa.string()),
        "entity": pa.array(entities, pa.string()),
        "value": pa.array(np.asarray(values, dtype=np.float64)),
    }
    for name, value in row.items():
        columns[name] = pa.repeat(pa.scalar(value, _COLUMNS[name]), len(ids))
    return pa.Table.from_arrays([columns[name] for name in _COLUMNS], schema=SCHEMA)


def write(items: Iterable[Item], path: Path) -> None:
    """Write a checked Parquet table, sorted by key; a killed write leaves the old file or none."""
    held = list(items)
    columns = {name: [getattr(item, name) for item in held] for name in SCHEMA.names}
    write_tables([pa.Table.from_pydict(columns, schema=SCHEMA)], path)


def write_tables(tables: Iterable[pa.Table], path: Path) -> None:
    """`write` for tables of one or more models each, which come in the order of their models.

    Only one table is held in memory at a time. Raises ValueError if a model comes out of order.
    """
    import pyarrow.parquet as pq

    last: tuple[str | int, ...] = ()
    with io.replacing(path) as part, pq.ParquetWriter(part, SCHEMA) as file:
        for table in tables:
            if not len(table):
                continue
            codes = _key_codes(table.combine_chunks())
            order = np.argsort(codes, kind="stable")
            table = table.take(pa.array(order)).combine_chunks()
            _check(table, path)
            _refuse_doubles(table, codes[order], path)
            if _model_at(table, 0) <= last:
                raise ValueError(f"{_model_at(table, 0)} comes after {last}")
            last = _model_at(table, -1)
            file.write_table(table)


def _model_at(table: pa.Table, row: int) -> tuple[str | int, ...]:
    return tuple(table[name][row].as_py() for name in MODEL)


def read(path: Path) -> pa.Table:
    """Read and check a table written by `write`. DataError names the first wrong row (from 1)."""
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise DataError("no such file", file=path) from None
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"is not a readable Parquet file ({error})", file=path) from None
    _check(table, path)
    _refuse_doubles(table, np.sort(_key_codes(table)), path)
    return table


def _check(table: pa.Table, path: Path) -> None:
    for expected in SCHEMA:
        if expected.name not in table.column_names:
            raise DataError("missing column", file=path, field=expected.name)
        found = table.schema.field(expected.name).type
        if found != expected.type:
            raise DataError(
                f"has type {found}, not {expected.type}", file=path, field=expected.name
            )
        column = table[expected.name]
        if column.null_count and not expected.nullable:
            row = column.is_null().to_pylist().index(True) + 1
            raise DataError("is empty", file=path, row=row, field=expected.name)
    wrong = pc.index(pc.is_finite(table["value"]), False).as_py()
    if wrong >= 0:
        problem = f"{table['value'][wrong].as_py()} is not a finite number"
        raise DataError(problem, file=path, row=wrong + 1, field="value")


def _refuse_doubles(table: pa.Table, codes: NDArray[np.int64], path: Path) -> None:
    """`codes` are the table's `_key_codes`, sorted."""
    if (codes[1:] == codes[:-1]).any():
        keys = table.select(list(KEY))
        counted = keys.group_by(list(KEY)).aggregate([([], "count_all")])
        row = next(i for i, n in enumerate(counted["count_all"].to_pylist()) if n > 1)
        named = "/".join(str(counted[name][row].as_py()) for name in KEY)
        raise DataError(f"two values for {named}", file=path, field="id")


def _key_codes(table: pa.Table) -> NDArray[np.int64]:
    """A whole number for each row, equal for equal keys and in the order of the keys, null last."""
    codes, size = np.zeros(table.num_rows, dtype=np.int64), 1
    for name in KEY:
        found = table[name].combine_chunks().dictionary_encode()
        count = len(found.dictionary)
        place = np.full(count + 1, count)
        place[pc.sort_indices(found.dictionary).to_numpy()] = np.arange(count)
        if size * (count + 1) >= LARGEST:
            codes = np.unique(codes, return_inverse=True)[1].astype(np.int64)
            size = len(codes) + 1
        codes = codes * (count + 1) + place[found.indices.fill_null(count).to_numpy()]
        size *= count + 1
    return codes
