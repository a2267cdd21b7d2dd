"""What all loaders share: checked files, texts and pictures, random draws of entities, the data hash."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from uqs.errors import DataError, UserError
from uqs.records import Picture, Sample, Split

LOADER_VERSION = 2
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
_DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
_STILL = ("MPO",)  # a camera's JPEG with a second picture inside

# What a Parquet column must be: a word below, `[kind]` for a list, a mapping for a struct with these fields.
Kind = str | Sequence["Kind"] | Mapping[str, "Kind"]
_PLAIN = {
    "text": lambda t: pa.types.is_string(t) or pa.types.is_large_string(t),
    "id": lambda t: pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_integer(t),
    "bytes": lambda t: pa.types.is_binary(t) or pa.types.is_large_binary(t),
}


def parquet_rows(
    path: Path,
    columns: Mapping[str, Kind],
    unread: Mapping[str, Kind] = MappingProxyType({}),
    optional: Mapping[str, Kind] = MappingProxyType({}),
) -> list[dict[str, object]]:
    """The rows of a Parquet file, only `columns`; DataError where one is missing or of another type.

    `optional` and `unread` columns may be missing, but not of another type: such a file is not what it is
    taken for. The `optional` ones that are there are read.
    """
    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise DataError("no such file", file=path) from None
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"is not a readable Parquet file ({error})", file=path) from None
    for name, kind in columns.items():
        if name not in table.column_names:
            raise DataError("missing column", file=path, field=name)
        _check_type(table.schema.field(name).type, kind, path, name)
    maybe = {**unread, **optional}
    for name in set(maybe) & set(table.column_names):
        _check_type(table.schema.field(name).type, maybe[name], path, name)
    if table.num_rows == 0:
        raise DataError("has no rows", file=path)
    rows: list[dict[str, object]] = table.select(
        [*columns, *(name for name in optional if name in table.column_names)]
    ).to_pylist()
    return rows


def _check_type(found: pa.DataType, kind: Kind, path: Path, field: str) -> None:
    if isinstance(kind, str):
        if not _PLAIN[kind](found):
            raise DataError(f"has type {found}, not {kind}", file=path, field=field)
    elif isinstance(kind, Mapping):
        if not pa.types.is_struct(found):
            raise DataError(f"has type {found}, not a struct", file=path, field=field)
        for name, inner in kind.items():
            index = found.get_field_index(name)
            if index < 0:
                raise DataError("missing field", file=path, field=f"{field}.{name}")
            _check_type(found.field(index).type, inner, path, f"{field}.{name}")
    else:
        if not (pa.types.is_list(found) or pa.types.is_large_list(found)):
            raise DataError(f"has type {found}, not a list", file=path, field=field)
        _check_type(found.value_type, kind[0], path, field)


def text(value: object, file: Path, row: int | str, field: str) -> str:
    """A text that says something."""
    if not isinstance(value, str):
        problem = "is empty" if value is None else f"is {type(value).__name__}, not text"
        raise DataError(problem, file=file, row=row, field=field)
    if not value.strip():
        raise DataError("is empty", file=file, row=row, field=field)
    return value.strip()


def texts(value: object, file: Path, row: int | str, field: str) -> list[str]:
    if not isinstance(value, list):
        raise DataError(f"is {type(value).__name__}, not a list", file=file, row=row, field=field)
    return [text(item, file, row, f"{field}[{i}]") for i, item in enumerate(value)]


def identifier(value: object, file: Path, row: int | str, field: str) -> str:
    """A text or whole number that names something."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text(value, file, row, field)


def _unseeable(picture: Image.Image) -> str | None:
    """Why a model would not see what a person sees, or None: models get the first frame in 8-bit RGB."""
    if picture.mode in _DEEP:
        return f"has more than 8 bits a channel (mode {picture.mode}); save it with 8"
    if getattr(picture, "is_animated", False) and picture.format not in _STILL:
        return "is animated; save the frame that is meant"
    if picture.has_transparency_data:
        seen = picture.convert("RGBA").getchannel("A").getextrema()[1]
        if not seen:
            return "is transparent everywhere"
    return None


class Pictures:
    """Pictures that were checked to decode and to show something; the same bytes are checked once."""

    def __init__(self) -> None:
        self._known: dict[bytes, Picture] = {}

    def get(
        self, data: bytes | None, name: str, file: Path, row: int | str | None, field: str | None
    ) -> Picture:
        if not data:
            raise DataError("missing picture", file=file, row=row, field=field)
        if data not in self._known:
            try:
                with Image.open(io.BytesIO(data)) as picture:
                    picture.verify()
                with Image.open(io.BytesIO(data)) as picture:
                    problem = _unseeable(picture)
                    picture.convert("RGB")
            except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
                raise DataError(
                    f"is not a readable picture ({error})", file=file, row=row, field=field
                ) from None
            if problem is not None:
                raise DataError(problem, file=file, row=row, field=field)
            self._known[data] = Picture(name, data)
        return self._known[data]

    def read(self, path: Path) -> Picture:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DataError(f"cannot be read ({error.strerror})", file=path) from None
        return self.get(data, path.name, path, None, None)


def _unique(path: Path) -> Callable[[list[tuple[str, object]]], dict[str, object]]:
    def mapping(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found: dict[str, object] = {}
        for key, value in pairs:
            if key in found:
                raise DataError("is given twice", file=path, field=key)
            found[key] = value
        return found

    return mapping


def read_json(path: Path) -> object:
    """A JSON file's content; DataError where it is none, or names a key of an object twice."""
    try:
        return json.loads(path.read_text("utf-8"), object_pairs_hook=_unique(path))
    except FileNotFoundError:
        raise DataError("no such file", file=path) from None
    except json.JSONDecodeError as error:
        raise DataError(
            f"is not valid JSON ({error.msg})", file=path, row=f"{error.lineno}"
        ) from None
    except UnicodeDecodeError:
        raise DataError("is no UTF-8 text", file=path) from None


def check_whole(benchmark: str, name: str, value: object, least: int) -> None:
    """UserError for an option that is no whole number of at least `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UserError(
            f"{benchmark}: {name} is {value!r}; it must be a whole number from {least} up"
        )


def splits(samples: Mapping[str, Iterable[Sample]], path: Path) -> dict[str, Split]:
    """The splits by name; DataError where one would be empty."""
    found = {name: Split(name, tuple(some)) for name, some in samples.items()}
    for name, split in found.items():
        if not split.samples:
            raise DataError(f"holds no question for the split {name!r}", file=path)
    return found


def draw(entities: Iterable[str], counts: Sequence[int], seed: int, file: Path) -> list[set[str]]:
    """Disjoint random sets of the given sizes and, last, the rest, which must not be empty."""
    pool = sorted(set(entities))
    if len(pool) <= sum(counts):
        raise DataError(
            f"has {len(pool)} entities; {' + '.join(map(str, counts))} and at least one more are needed",
            file=file,
        )
    order = [pool[i] for i in np.random.default_rng(seed).permutation(len(pool))]
    ends = [0, *np.cumsum(counts).tolist(), len(pool)]
    return [set(order[start:end]) for start, end in pairwise(ends)]


def capped(samples: Sequence[Sample], limit: int | None, seed: int) -> tuple[Sample, ...]:
    """At most `limit` samples, drawn at random, in their order."""
    if limit is None or len(samples) <= limit:
        return tuple(samples)
    chosen = np.random.default_rng(seed).permutation(len(samples))[:limit]
    return tuple(samples[i] for i in sorted(chosen.tolist()))


def data_hash(root: Path, files: Iterable[Path], options: Mapping[str, object]) -> str:
    """SHA-256 of the files' names and contents, the options, and the loaders' version."""
    digest = hashlib.sha256(json.dumps([LOADER_VERSION, options], sort_keys=True).encode())
    for name, path in sorted((path.relative_to(root).as_posix(), path) for path in files):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"\n{name} {content}".encode())
    return digest.hexdigest()
