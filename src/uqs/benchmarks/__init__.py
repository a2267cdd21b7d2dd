"""Benchmarks: one file each; `load` finds, reads and checks one edition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Protocol

from uqs import registry
from uqs.benchmarks.limit import asked, limited
from uqs.benchmarks.own_holdout import exchanged, parted
from uqs.errors import UserError
from uqs.records import Benchmark

__all__ = ["Loader", "edition_path", "load"]

_EMBEDDED = Path(__file__).with_name("tiny")


class Loader(Protocol):
    """A benchmark's loader: a frozen dataclass whose fields are its options."""

    def load(self, path: Path, edition: str) -> Benchmark:
        """Read and check the edition in the folder `path`; DataError where the data are bad."""
        ...


def edition_path(name: str, edition: str) -> Path:
    """The folder of an edition: `tiny` is embedded, anything else is a folder of the user's."""
    registry.check("benchmark", name)
    path = _EMBEDDED / name if edition == "tiny" else Path(edition)
    if not path.is_dir():
        raise UserError(
            f"{name}: no folder {str(path)!r}; write '{name}:tiny' or '{name}:FOLDER' with the data"
        )
    return path


def load(spec: str, options: Mapping[str, object] | None = None) -> Benchmark:
    """Load `name:tiny` (embedded) or `name:FOLDER` (the same files as the real release).

    `name:tiny#4` is a part for a quick try: four entities per split. `name:FOLDER&holdout=OTHER:EDITION` has
    the holdout of another edition or benchmark.
    `options` are fields of the benchmark's loader. UserError for an unknown name, folder or option;
    DataError, naming file, row and field, for bad data.
    """
    name, _, given = spec.partition(":")
    registry.check("benchmark", name)
    edition, entities = asked(given)
    edition, other = parted(edition)
    if not edition:
        raise UserError(f"benchmark {spec!r} names no edition; write '{name}:tiny'")
    loader = registry.get("benchmark", name)
    known = [field.name for field in fields(loader)]
    for option in options or {}:
        if option not in known:
            raise UserError(f"{name}: unknown option {option!r}; {registry.nearest(option, known)}")
    opened = loader(**(options or {}))
    try:
        found: Benchmark = opened.load(edition_path(name, edition), edition)
        if other is not None:
            found = exchanged(found, load(other))
    except (
        ValueError
    ) as error:  # what a record refuses: overlapping splits, doubled ids, empty texts
        raise UserError(f"{spec}: {error}") from error
    return found if entities is None else limited(found, entities)
