"""The tidy results table: its schema in one place, checked whenever it is read or written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from math import isfinite
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from uqs import io
from uqs.errors import DataError
from uqs.records import VALUED, Role, Status


@dataclass(frozen=True)
class Row:
    """One measurement with its provenance.

    `seed` is the seed of the measured model; `oracle_seed` that of the oracle it was compared with, where
    the metric needs one. `hyperparameters` is a JSON object. `seconds` is the time of the cells behind
    the row. `value` and `se` are null where they do not exist; `status` then says why. The exact value lies
    within `value` plus or minus `bound`, null where it is exact; with the status `lower_bound` it is known
    only not to be smaller. `gap` is the value minus the oracles' own (for a distance to an oracle: minus
    the mean distance between oracles) and `z` the gap over the spread between oracles; null where there
    are too few oracles (see `gaps`). The gap of a lower bound is one of lower bounds.
    """

    study: str
    benchmark: str
    edition: str
    model: str
    role: str
    method: str
    strength: str
    hyperparameters: str
    seed: int
    oracle_seed: int | None
    split: str
    metric: str
    value: float | None
    se: float | None
    n: int
    status: str
    config_hash: str
    data_hash: str
    version: str
    device: str
    seconds: float
    bound: float | None = None
    gap: float | None = None
    z: float | None = None


class _Kind(NamedTuple):
    """Python types, word in errors, and column type of what a field holds."""

    types: tuple[type, ...]
    word: str
    column: pa.DataType


_KINDS = {
    "str": _Kind((str,), "text", pa.string()),
    "int": _Kind((int,), "whole number", pa.int64()),
    "float": _Kind((float, int), "number", pa.float64()),
}
_FIELDS = {f.name: _KINDS[str(f.type).removesuffix(" | None")] for f in fields(Row)}
_OPTIONAL = {f.name for f in fields(Row) if "None" in str(f.type)}
_LATER = {f.name for f in fields(Row) if f.default is None}
"""Columns that tables of earlier versions lack."""
SCHEMA = pa.schema(
    [pa.field(name, kind.column, nullable=name in _OPTIONAL) for name, kind in _FIELDS.items()]
)
KEY = (
    "benchmark",
    "edition",
    "model",
    "role",
    "method",
    "strength",
    "seed",
    "oracle_seed",
    "split",
    "metric",
)


def check(rows: Iterable[Row], file: Path | str) -> list[Row]:
    """The rows in key order, or a DataError naming the first row (from 1) and field that is wrong."""
    checked: dict[tuple[object, ...], Row] = {}
    for number, row in enumerate(rows, start=1):
        for field, problem in _problems(row):
            raise DataError(problem, file=file, row=number, field=field)
        key = tuple(getattr(row, name) for name in KEY)
        if key in checked:
            problem = f"a second row for {'/'.join(map(str, key))}"
            raise DataError(problem, file=file, row=number, field="metric")
        checked[key] = row
    return [checked[key] for key in sorted(checked, key=lambda k: tuple(_sortable(v) for v in k))]


def _problems(row: Row) -> Iterator[tuple[str, str]]:
    """Field and problem of what is wrong with a row; types come first, so that the rest may rely on them."""
    for name, kind in _FIELDS.items():
        found = getattr(row, name)
        if found is None and name not in _OPTIONAL:
            yield name, "is empty"
        elif found is not None and (isinstance(found, bool) or not isinstance(found, kind.types)):
            yield name, f"{found!r} is no {kind.word}"
        elif isinstance(found, float) and not isfinite(found):
            yield name, f"{found} is not a finite number"
    if row.status not in set(Status):
        yield "status", f"{row.status!r} is none of {', '.join(Status)}"
    if row.role not in set(Role):
        yield "role", f"{row.role!r} is none of {', '.join(Role)}"
    has_value = row.status in VALUED
    if has_value == (row.value is None):
        yield "value", f"{row.value} with status {row.status!r}"
    for name in ("n", "se", "seconds", "bound"):
        if (getattr(row, name) or 0) < 0:
            yield name, f"{getattr(row, name)} is negative"
    if not _is_json_object(row.hyperparameters):
        yield "hyperparameters", "is no JSON object"


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _sortable(value: object) -> tuple[bool, str | int]:
    return (value is None, value if isinstance(value, int) else "" if value is None else str(value))


def write(rows: Iterable[Row], path: Path) -> None:
    """Write a checked Parquet table; a killed write leaves the old file or none."""
    table = pa.Table.from_pylist([asdict(row) for row in check(rows, path)], schema=SCHEMA)
    io.write_parquet(path, table)


def read(path: Path) -> list[Row]:
    """Read and check a Parquet table written by `write`."""
    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise DataError("no such file", file=path) from None
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"is no readable Parquet file ({error})", file=path) from None
    for expected in SCHEMA:
        if expected.name not in table.column_names:
            if expected.name in _LATER:
                continue
            raise DataError("missing column", file=path, field=expected.name)
        if table.schema.field(expected.name).type != expected.type:
            raise DataError(
                f"has type {table.schema.field(expected.name).type}, not {expected.type}",
                file=path,
                field=expected.name,
            )
    names = [name for name in _FIELDS if name in table.column_names]
    return check((Row(**record) for record in table.select(names).to_pylist()), path)
