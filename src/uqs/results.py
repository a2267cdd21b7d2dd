"""The tidy results table: its schema in one place, checked whenever it is read or written."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from uqs.errors import DataError
from uqs.records import Role, Status


@dataclass(frozen=True)
class Row:
    """One measurement with its provenance.

    `seed` is the seed of the measured model; `oracle_seed` that of the oracle it was compared with, where
    the metric needs one. `hyperparameters` is a JSON object. `seconds` is the time of the cells behind
    the row. `value` and `se` are null where they do not exist; `status` then says why.
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


SCHEMA = pa.schema(
    [
        pa.field(f.name, kind, nullable="None" in str(f.type))
        for f in fields(Row)
        for kind in [
            {"str": pa.string(), "int": pa.int64(), "float": pa.float64()}[
                str(f.type).removesuffix(" | None")
            ]
        ]
    ]
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

        def fail(field: str, problem: str, number: int = number) -> DataError:
            return DataError(problem, file=file, row=number, field=field)

        if row.status not in set(Status):
            raise fail("status", f"{row.status!r} is none of {', '.join(Status)}")
        if row.role not in set(Role):
            raise fail("role", f"{row.role!r} is none of {', '.join(Role)}")
        has_value = row.status in (Status.OK, Status.CONSTANT, Status.UNRESOLVED)
        if has_value == (row.value is None):
            raise fail("value", f"{row.value} with status {row.status!r}")
        for name in ("value", "se"):
            number_ = getattr(row, name)
            if number_ is not None and not abs(number_) < float("inf"):
                raise fail(name, f"{number_} is not a finite number")
        if row.n < 0:
            raise fail("n", f"{row.n} is negative")
        try:
            settings = json.loads(row.hyperparameters)
        except ValueError:
            settings = None
        if not isinstance(settings, dict):
            raise fail("hyperparameters", "is no JSON object")
        key = tuple(getattr(row, name) for name in KEY)
        if key in checked:
            raise fail("metric", f"a second row for {'/'.join(map(str, key))}")
        checked[key] = row
    return [checked[key] for key in sorted(checked, key=lambda k: tuple(_sortable(v) for v in k))]


def _sortable(value: object) -> tuple[bool, str | int]:
    return (value is None, value if isinstance(value, int) else "" if value is None else str(value))


def write(rows: Iterable[Row], path: Path) -> None:
    """Write a checked Parquet table; a killed write leaves the old file or none."""
    table = pa.Table.from_pylist([asdict(row) for row in check(rows, path)], schema=SCHEMA)
    part = path.with_name(path.name + ".part")
    pq.write_table(table, part)
    part.replace(path)


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
            raise DataError("missing column", file=path, field=expected.name)
        if table.schema.field(expected.name).type != expected.type:
            raise DataError(
                f"has type {table.schema.field(expected.name).type}, not {expected.type}",
                file=path,
                field=expected.name,
            )
        column = table.column(expected.name)
        if not expected.nullable and column.null_count:
            first = column.is_null().to_pylist().index(True) + 1
            raise DataError("is empty", file=path, row=first, field=expected.name)
    names = [f.name for f in fields(Row)]
    return check((Row(**record) for record in table.select(names).to_pylist()), path)
