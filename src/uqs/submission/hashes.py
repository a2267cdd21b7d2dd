"""Whether hashes are hashes, fit the data that UQS ships, and name different models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from uqs import benchmarks, registry
from uqs.errors import DataError, UserError
from uqs.records import Role
from uqs.results import Row

_HEX = re.compile(r"[0-9a-f]{16,64}")
SHIPPED = "tiny"


def problems(rows: Sequence[Row], file: Path) -> Iterator[DataError]:
    """One error for each kind of fault and model or benchmark; rows count from 1."""
    yield from _forms(rows, file)
    yield from _data(rows, file)
    yield from _models(rows, file)


def _forms(rows: Sequence[Row], file: Path) -> Iterator[DataError]:
    for field in ("config_hash", "data_hash"):
        told: set[str] = set()
        for number, row in enumerate(rows, start=1):
            found = getattr(row, field)
            if found in told or _HEX.fullmatch(found):
                continue
            told.add(found)
            yield DataError(f"{found!r} is no hash", file=file, row=number, field=field)


def _data(rows: Sequence[Row], file: Path) -> Iterator[DataError]:
    """One hash for each edition, and for a shipped edition its own."""
    first: dict[tuple[str, str], str] = {}
    for number, row in enumerate(rows, start=1):
        key = (row.benchmark, row.edition)
        if key not in first:
            first[key] = row.data_hash
            own = _shipped(row)
            if own is not None and own != row.data_hash:
                edition = f"{row.benchmark}:{row.edition}"
                problem = f"is not that of {edition} in this version of UQS ({own[:16]}...)"
                yield DataError(problem, file=file, row=number, field="data_hash")
        elif first[key] != row.data_hash:
            problem = f"{row.benchmark}:{row.edition} has two hashes of its data"
            yield DataError(problem, file=file, row=number, field="data_hash")
            first[key] = row.data_hash


def _shipped(row: Row) -> str | None:
    """The hash of an edition that comes with UQS; None of others."""
    if row.edition.partition("#")[0] != SHIPPED or row.benchmark not in registry.names("benchmark"):
        return None
    try:
        return benchmarks.load(f"{row.benchmark}:{row.edition}").data_hash
    except UserError:
        return None


def _models(rows: Sequence[Row], file: Path) -> Iterator[DataError]:
    """No unlearned model stands in the table under two names, and none has two hashes."""
    names: dict[str, tuple[str, ...]] = {}
    hashes: dict[tuple[str, ...], str] = {}
    for number, row in enumerate(rows, start=1):
        if row.role != Role.UNLEARNED:
            continue
        key = (row.benchmark, row.edition, row.model, row.method, row.strength, str(row.seed))
        if names.setdefault(row.config_hash, key) != key:
            problem = (
                f"{_named(key)} has the hash of {_named(names[row.config_hash])}: one model twice"
            )
            yield DataError(problem, file=file, row=number, field="config_hash")
            names[row.config_hash] = key
        if hashes.setdefault(key, row.config_hash) != row.config_hash:
            problem = f"{_named(key)} has two hashes"
            yield DataError(problem, file=file, row=number, field="config_hash")
            hashes[key] = row.config_hash


def _named(key: tuple[str, ...]) -> str:
    benchmark, _, _, method, strength, seed = key
    return f"{benchmark} {method}{f'@{strength}' if strength else ''} seed {seed}"
