"""Rows of Parquet, JSON and JSONL files, one at a time, their columns checked before anything is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from uqs.benchmarks import _folders, _progress
from uqs.errors import DataError

# What a column must be: a word below, `[kind]` for a list, a mapping for a struct with these fields.
Kind = str | Sequence["Kind"] | Mapping[str, "Kind"]
Row = dict[str, Any]
NOTHING: Mapping[str, Kind] = MappingProxyType({})
_BYTES_AT_ONCE = 4_000_000
_BUFFER = 1_000_000


def _is_text(found: pa.DataType) -> bool:
    return bool(pa.types.is_string(found) or pa.types.is_large_string(found))


_PLAIN: Mapping[str, Callable[[pa.DataType], bool]] = {
    "text": _is_text,
    "id": lambda t: _is_text(t) or pa.types.is_integer(t),
    "bytes": lambda t: pa.types.is_binary(t) or pa.types.is_large_binary(t),
}
_IMAGE: Mapping[str, Kind] = {"bytes": "bytes"}
"""Hugging Face's image, as far as every table has it; a path may stand beside the bytes."""
_VALUES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "id": (str, int),
    "bytes": (),
    "image": (str, dict),
}


def rows(
    file: Path,
    columns: Mapping[str, Kind],
    unread: Mapping[str, Kind] = NOTHING,
    optional: Mapping[str, Kind] = NOTHING,
) -> Iterator[tuple[int, Row]]:
    """The rows of a file with their numbers from 1, only `columns`; DataError where one is missing or of
    another type.

    `optional` and, in Parquet, `unread` columns may be missing, but not of another type: such a file is not
    what it is taken for. The `optional` ones that are there are read. A Parquet file is read a few rows at a
    time, JSON as a whole.
    """
    if file.suffix == ".parquet":
        yield from _parquet(file, columns, unread, optional)
    else:
        yield from _json(file, columns, optional)


def _parquet(
    file: Path,
    columns: Mapping[str, Kind],
    unread: Mapping[str, Kind],
    optional: Mapping[str, Kind],
) -> Iterator[tuple[int, Row]]:
    with _opened(file) as table:
        schema = table.schema_arrow
        for name, kind in columns.items():
            if name not in schema.names:
                raise DataError("missing column", file=file, field=name)
            _check_type(schema.field(name).type, kind, file, name)
        maybe = {**unread, **optional}
        for name in set(maybe) & set(schema.names):
            _check_type(schema.field(name).type, maybe[name], file, name)
        total = table.metadata.num_rows
        if total == 0:
            raise DataError("has no rows", file=file)
        wanted = [*columns, *(name for name in optional if name in schema.names)]
        size = file.stat().st_size
        _progress.begin(file, size)
        at_once = max(1, min(total, _BYTES_AT_ONCE * total // size))
        number = 0
        try:
            for batch in table.iter_batches(batch_size=at_once, columns=wanted):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
                _progress.step(file, number, total)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"is not a readable Parquet file ({error})", file=file) from None


def _opened(file: Path) -> pq.ParquetFile:
    try:
        with file.open("rb") as stream:
            _folders.refuse_pointer(stream.read(100), file)
        # without buffers of a whole row group, which hold its pictures twice
        return pq.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False)
    except FileNotFoundError:
        raise DataError("no such file", file=file) from None
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"is not a readable Parquet file ({error})", file=file) from None


def _check_type(found: pa.DataType, kind: Kind, file: Path, field: str) -> None:
    if kind == "image":
        _check_type(found, _IMAGE, file, field)
    elif isinstance(kind, str):
        if not _PLAIN[kind](found):
            raise DataError(f"has type {found}, not {kind}", file=file, field=field)
    elif isinstance(kind, Mapping):
        if not pa.types.is_struct(found):
            raise DataError(f"has type {found}, not a struct", file=file, field=field)
        for name, inner in kind.items():
            index = found.get_field_index(name)
            if index < 0:
                raise DataError("missing field", file=file, field=f"{field}.{name}")
            _check_type(found.field(index).type, inner, file, f"{field}.{name}")
    else:
        if not (pa.types.is_list(found) or pa.types.is_large_list(found)):
            raise DataError(f"has type {found}, not a list", file=file, field=field)
        _check_type(found.value_type, kind[0], file, field)


def records(file: Path) -> Iterator[tuple[int, object]]:
    """The records of a JSON list or of JSONL, which some releases call *.json too; DataError where it is
    neither, is empty, or names a key of an object twice.
    """
    text = decoded(file)
    lines = [(n, line) for n, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if file.suffix == ".jsonl" or (len(lines) > 1 and _is_object(lines[0][1])):
        if not lines:
            raise DataError("has no rows", file=file)
        for number, line in lines:
            yield number, loads(line, file, number)
        return
    found = loads(text, file)
    if not isinstance(found, list) or not found:
        raise DataError("is no list of records", file=file)
    yield from enumerate(found, start=1)


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except json.JSONDecodeError:
        return False


def _json(
    file: Path,
    columns: Mapping[str, Kind],
    optional: Mapping[str, Kind],
) -> Iterator[tuple[int, Row]]:
    for number, record in records(file):
        if not isinstance(record, dict):
            raise DataError("is no object", file=file, row=number)
        for name, kind in columns.items():
            if name not in record:
                raise DataError("missing field", file=file, row=number, field=name)
            _check_value(record[name], kind, file, number, name)
        for name in set(optional) & set(record):
            _check_value(record[name], optional[name], file, number, name)
        kept = [*columns, *(name for name in optional if name in record)]
        yield number, {name: record[name] for name in kept}


def _check_value(value: object, kind: Kind, file: Path, row: int, field: str) -> None:
    """As `_check_type`, for a value of JSON; None is for the reader of the field to judge."""
    if value is None:
        return

    def wrong(wanted: str) -> DataError:
        found = type(value).__name__
        return DataError(f"is {found}, not {wanted}", file=file, row=row, field=field)

    if isinstance(kind, str):
        if not isinstance(value, _VALUES[kind]) or isinstance(value, bool):
            raise wrong(kind)
    elif isinstance(kind, Mapping):
        if not isinstance(value, Mapping):
            raise wrong("an object")
        for name, inner in kind.items():
            _check_value(value.get(name), inner, file, row, f"{field}.{name}")
    else:
        if not isinstance(value, list):
            raise wrong("a list")
        for number, item in enumerate(value):
            _check_value(item, kind[0], file, row, f"{field}[{number}]")


def decoded(file: Path) -> str:
    """A file's text; DataError where it is not UTF-8."""
    try:
        return _folders.read_bytes(file).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError("is no UTF-8 text", file=file) from None


def loads(text: str, file: Path, row: int | None = None) -> object:
    """A JSON text's content; DataError, naming the line, where it is none or names a key twice."""

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found: dict[str, object] = {}
        for key, value in pairs:
            if key in found:
                raise DataError("is given twice", file=file, row=row, field=key)
            found[key] = value
        return found

    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        line = f"{error.lineno}" if row is None else row
        raise DataError(f"is not valid JSON ({error.msg})", file=file, row=line) from None
    except RecursionError:
        raise DataError("is not valid JSON (too deep)", file=file, row=row) from None
