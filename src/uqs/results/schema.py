"""The tidy results table: its schema in one place, checked whenever it is read or written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from uqs import io
from uqs.card_metadata import with_facts
from uqs.errors import DataError
from uqs.records import VALUED, MetricFacts, Role, Status
from uqs.results.arrow import to_frame as to_pandas


@dataclass(frozen=True)
class Row:
    """One measurement with its provenance.

    `seed`: the seed of the measured model. `oracle_seed`: the seed of the oracle it was compared with, if the
    metric needs one. `hyperparameters`: a JSON object. `seconds`: the time of the jobs behind the row.
    `value` and `se` are null if they do not exist; `status` then says why. The exact value lies within
    `value` plus or minus `bound` (null if exact); with the status `lower_bound` it is not smaller than
    `value`. `gap`: the value minus the oracles' own (for a distance to an oracle: minus the mean distance
    between oracles). `z`: the gap in units of the spread between oracles; of a distance, that of the model's
    mean over the oracles. Both are null if there are too few oracles (see `gaps`). The gap of a lower bound
    compares lower bounds. `share`: the share of the forget entities that a model of known truth was taught: 0
    for an oracle, 1 for an original, null for others. `judge`: the rules by which answers counted as right
    (docs/judges.md), null for a metric that counts none.
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
    share: float | None = None
    judge: str | None = None


class _Kind(NamedTuple):
    """A field's Python types, the word for errors, and the column type."""

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
"""Columns that are missing in tables of earlier versions."""
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
    """The rows in key order. DataError names the first wrong row (from 1) and field."""
    rows = list(rows)
    for number, row in enumerate(rows, start=1):
        for field, problem in _wrong_types(row):
            raise DataError(problem, file=file, row=number, field=field)
    _check_values(to_frame(rows), file)
    return sorted(rows, key=lambda row: tuple(_sortable(getattr(row, name)) for name in KEY))


def to_frame(rows: Iterable[Row]) -> pd.DataFrame:
    """Rows with valid types as a frame with the columns of Row."""
    rows = list(rows)
    columns = {}
    for name, kind in _FIELDS.items():
        found = [getattr(row, name) for row in rows]
        if kind.column == pa.float64():
            found = [None if one is None else float(one) for one in found]
        columns[name] = pa.array(found, type=kind.column)
    return to_pandas(pa.table(columns))


def _wrong_types(row: Row) -> Iterator[tuple[str, str]]:
    for name, kind in _FIELDS.items():
        found = getattr(row, name)
        if found is None and name not in _OPTIONAL:
            yield name, "is empty"
        elif found is not None and (isinstance(found, bool) or not isinstance(found, kind.types)):
            yield name, f"{found!r} is not of type {kind.word}"
        elif isinstance(found, float) and not isfinite(found):
            yield name, f"{found} is not a finite number"
        elif (
            isinstance(found, int) and kind.word == "whole number" and not -(2**63) <= found < 2**63
        ):
            yield name, f"{found} is beyond 64 bits"


def _check_values(frame: pd.DataFrame, file: Path | str) -> None:
    """Check a frame with valid types against the rules of the schema; rows count from 1."""
    wrong = [found for found in _wrong_values(frame) if found is not None]
    if wrong:
        at, field, problem = min(wrong, key=lambda found: found[0])
        raise DataError(problem, file=file, row=at + 1, field=field)


def _wrong_values(frame: pd.DataFrame) -> Iterator[tuple[int, str, str] | None]:
    """For each rule, the first row that breaks it (from 0), its field and the problem."""
    for name, words in (("status", Status), ("role", Role)):
        yield _first(
            frame, ~frame[name].isin(list(words)), name, "{!r} is not one of " + ", ".join(words)
        )
    has_value = frame["status"].isin(list(VALUED))
    at_odds = _first(frame, has_value == frame["value"].isna(), "value", "")
    if at_odds is not None:
        at = at_odds[0]
        value = frame["value"].iloc[at]
        shown = None if pd.isna(value) else float(value)
        yield at, "value", f"{shown} with status {frame['status'].iloc[at]!r}"
    for name in ("n", "se", "seconds", "bound"):
        negative = (frame[name] < 0).fillna(False).astype(bool)
        yield _first(frame, negative, name, "{} is negative")
    beyond = ((frame["share"] < 0) | (frame["share"] > 1)).fillna(False).astype(bool)
    yield _first(frame, beyond, "share", "{} is not a share from 0 to 1")
    unknown = (frame["role"] == Role.REFERENCE) & frame["share"].isna()
    yield _first(frame, unknown, "share", "a reference needs one; it is {}")
    settings = frame["hyperparameters"]
    sound = {text: _is_json_object(text) for text in settings.unique()}
    yield _first(
        frame, ~settings.map(sound).astype(bool), "hyperparameters", "is not a JSON object"
    )
    doubled = frame.duplicated(list(KEY))
    if doubled.any():
        at = int(doubled.to_numpy().argmax())
        key = (None if pd.isna(found) else found for found in frame[list(KEY)].iloc[at])
        yield at, "metric", f"a second row for {'/'.join(map(str, key))}"


def _first(
    frame: pd.DataFrame, wrong: pd.Series[bool], field: str, problem: str
) -> tuple[int, str, str] | None:
    if not wrong.any():
        return None
    at = int(wrong.to_numpy().argmax())
    return at, field, problem.format(frame[field].iloc[at])


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _sortable(value: object) -> tuple[bool, str | int]:
    return (value is None, value if isinstance(value, int) else "" if value is None else str(value))


def write(rows: Iterable[Row], path: Path, metrics: Iterable[MetricFacts] = ()) -> None:
    """Write a checked Parquet table; an interrupted write leaves the old file or none.

    The file also stores direction, bounds and headline split of the given and the registered metrics.
    """
    checked = check(rows, path)
    columns = {name: [getattr(row, name) for row in checked] for name in SCHEMA.names}
    table = pa.Table.from_pydict(columns, schema=SCHEMA)
    table = with_facts(table, {row.metric for row in checked}, metrics)
    io.write_parquet(path, table)


def is_ours(table: pa.Table) -> bool:
    """Whether an Arrow table has the columns of this schema."""
    return set(_FIELDS) - _LATER <= set(table.column_names)


def read(path: Path) -> list[Row]:
    """Read and check a Parquet table written by `write`; its rows in key order."""
    table = _checked(_read_parquet(path), path)
    order: Any = [(name, "ascending") for name in KEY]
    return [Row(**record) for record in table.sort_by(order).to_pylist()]


def checked_frame(table: pa.Table, file: Path | str) -> pd.DataFrame:
    """An Arrow table with the columns of this schema as a checked frame; additional columns are kept."""
    _checked(table, file)
    return to_pandas(table)


def metadata(path: Path) -> Mapping[bytes, bytes] | None:
    """The metadata in the schema of a table written by `write`."""
    import pyarrow.parquet as pq

    found: Mapping[bytes, bytes] | None = pq.read_schema(path).metadata
    return found


def _read_parquet(path: Path) -> pa.Table:
    import pyarrow.parquet as pq  # slow to load, and a CSV does not need it

    try:
        return pq.read_table(path)
    except FileNotFoundError:
        raise DataError("no such file", file=path) from None
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"is not a readable Parquet file ({error})", file=path) from None


def faults(path: Path) -> list[DataError]:
    """Every rule that a file breaks, each at its first row; none for a file that `read` reads.

    Where columns are missing or of other types nothing else can be asked, and so on for empty fields.
    """
    try:
        table = _read_parquet(path)
    except DataError as error:
        return [error]
    for rules in (_structure, _cells):
        if found := list(rules(table, path)):
            return found
    frame = to_pandas(_ours(table)).reindex(columns=list(_FIELDS))
    wrong = sorted(
        (found for found in _wrong_values(frame) if found is not None), key=lambda one: one[0]
    )
    return [DataError(problem, file=path, row=at + 1, field=field) for at, field, problem in wrong]


def _checked(table: pa.Table, file: Path | str) -> pa.Table:
    """The table's columns that belong to the schema. DataError if they have other types."""
    for rules in (_structure, _cells):
        for error in rules(table, file):
            raise error
    table = _ours(table)
    _check_values(to_pandas(table).reindex(columns=list(_FIELDS)), file)
    return table


def _ours(table: pa.Table) -> pa.Table:
    return table.select([name for name in _FIELDS if name in table.column_names])


def _structure(table: pa.Table, file: Path | str) -> Iterator[DataError]:
    for expected in SCHEMA:
        if expected.name not in table.column_names:
            if expected.name not in _LATER:
                yield DataError("missing column", file=file, field=expected.name)
            continue
        found = table.schema.field(expected.name).type
        if found != expected.type:
            yield DataError(
                f"has type {found}, not {expected.type}", file=file, field=expected.name
            )


def _cells(table: pa.Table, file: Path | str) -> Iterator[DataError]:
    for name in _ours(table).column_names:
        column = table[name]
        if column.null_count and name not in _OPTIONAL:
            at = pc.index(pc.is_null(column), True).as_py()
            yield DataError("is empty", file=file, row=at + 1, field=name)
        if pa.types.is_floating(column.type):
            at = pc.index(pc.is_finite(column), False).as_py()
            if at >= 0:
                problem = f"{column[at].as_py()} is not a finite number"
                yield DataError(problem, file=file, row=at + 1, field=name)
