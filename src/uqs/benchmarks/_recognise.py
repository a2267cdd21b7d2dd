"""Which benchmark a folder looks like, to say so where it was taken for another one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from uqs.benchmarks import _folders

_SIGNS: Mapping[str, frozenset[str]] = {
    "umu_bench": frozenset({"MM_QA", "UM_QA"}),
    "mllmu_bench": frozenset({"Classification_Task", "Mask_Task"}),
    "clear": frozenset({"image", "caption", "name"}),
    "unlok_vqa": frozenset({"src", "pred", "image_id"}),
    "fiubench": frozenset({"qa_list", "unique_id"}),
    "own": frozenset({"entity", "part", "question"}),
    "tofu": frozenset({"question", "answer"}),
}
"""Fields of a record by which a benchmark is known, the more telling ones first."""
_BEGINNING = 200_000
_KEY = re.compile(r'"(\w+)"\s*:')


def recognise(folder: Path) -> str | None:
    """The benchmark whose fields the folder's tables have, None where that is not plain."""
    found = set()
    for file in islice(_tables(folder), 40):
        fields = _fields(file)
        found.add(
            next((n for n, signs in _SIGNS.items() if signs <= fields and _may(n, file)), None)
        )
    known = [name for name in _SIGNS if name in found]
    return known[0] if known else None


def _may(name: str, file: Path) -> bool:
    """Whether the file's name allows the benchmark: questions and answers alone are many a benchmark's."""
    return name != "tofu" or file.stem.startswith(("forget", "retain"))


def _tables(folder: Path) -> Iterator[Path]:
    for place in _folders.entries(folder):
        if place.is_dir():
            yield from (f for f in _folders.entries(place) if f.suffix in _folders.TABLES)
        elif place.suffix in _folders.TABLES:
            yield place


def _fields(file: Path) -> frozenset[str]:
    """The fields of a table's records, by its beginning alone; none where it cannot be read."""
    try:
        if file.suffix == ".parquet":
            return frozenset(pq.read_schema(file).names)
        with file.open("rb") as stream:
            start = stream.read(_BEGINNING).decode("utf-8", errors="replace")
    except (OSError, pa.ArrowException):
        return frozenset()
    return frozenset(_KEY.findall(start))
