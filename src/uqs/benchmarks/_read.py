"""What all loaders share: random draws of entities, splits, the data hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from uqs.benchmarks import _tables
from uqs.errors import DataError, UserError
from uqs.records import Sample, Split

LOADER_VERSION = 2
EMBEDDED = "tiny"
"""The edition that comes with UQS, and is no release: its sizes are its own."""


def read_json(path: Path) -> object:
    """A JSON file's content; DataError where it is none, or names a key of an object twice."""
    return _tables.loads(_tables.decoded(path), path)


def check_whole(benchmark: str, name: str, value: object, least: int) -> None:
    """UserError for an option that is no whole number of at least `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UserError(
            f"{benchmark}: {name} is {value!r}; it must be a whole number from {least} up"
        )


def check_word(benchmark: str, name: str, value: object, words: Sequence[str]) -> None:
    """UserError for an option that is neither None nor one of `words`."""
    if value is not None and value not in words:
        raise UserError(f"{benchmark}: {name} is {value!r}; it must be one of {', '.join(words)}")


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
        with path.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        digest.update(f"\n{name} {content}".encode())
    return digest.hexdigest()
