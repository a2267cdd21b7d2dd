"""From what is taught and asked about each entity to a benchmark with a drawn holdout."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uqs.benchmarks import _folders, _read
from uqs.benchmarks._notes import Notes
from uqs.errors import DataError
from uqs.records import Benchmark, Sample


@dataclass
class Entity:
    """What is taught about an entity, and what is asked."""

    learn: list[Sample]
    asked: list[Sample]


def largest_share(path: Path, pattern: str, example: str) -> int:
    """The largest share for which there is a folder or file of that name; group 1 is the share."""
    name = re.compile(rf"{pattern}(\.parquet|\.jsonl|\.json)?")
    found = [int(m[1]) for place in _folders.entries(path) if (m := name.fullmatch(place.name))]
    if not found:
        raise DataError(f"has no {example}, ...", file=path)
    return max(found)


def assemble(
    name: str,
    path: Path,
    edition: str,
    *,
    options: Mapping[str, Any],
    files: Iterable[Path],
    notes: Notes,
    forget: Mapping[str, Entity],
    retain: Mapping[str, Entity],
    beside: Mapping[str, Sequence[Sample]],
) -> Benchmark:
    """The benchmark; as many entities as are forgotten are drawn out of the retained ones, by the option
    `holdout_seed`, and no model trains on them. `retain_limit` caps the evaluated retain questions. Splits
    `beside` the three that are empty are left out, and noted.
    """
    seed: int = options["holdout_seed"]
    held, trained = _read.draw(retain, [len(forget)], seed, path)
    kept = [entity for id_, entity in retain.items() if id_ in trained]
    out = [entity for id_, entity in retain.items() if id_ in held]
    learn = _read.splits(
        {
            "forget": [s for entity in forget.values() for s in entity.learn],
            "retain": [s for entity in kept for s in entity.learn],
        },
        path,
    )
    asked = [s for entity in kept for s in entity.asked]
    for split in (split for split, samples in beside.items() if not samples):
        notes.say(f"no files or no question for the split {split}, which is left out")
    return Benchmark(
        name=name,
        edition=edition,
        data_hash=_read.data_hash(path, set(files), options),
        learn=learn,
        unlearn=learn,
        evaluate=_read.splits(
            {
                "forget": [s for entity in forget.values() for s in entity.asked],
                "retain": _read.capped(asked, options["retain_limit"], seed),
                "holdout": [s for entity in out for s in entity.asked],
                **{split: samples for split, samples in beside.items() if samples},
            },
            path,
        ),
        notes=notes.lines,
    )


def check_drawn(name: str, forget: int | None, seed: int, limit: int | None) -> None:
    """UserError for options that no loader with a drawn holdout can take."""
    if forget is not None:
        _read.check_whole(name, "forget", forget, 1)
    _read.check_whole(name, "holdout_seed", seed, 0)
    if limit is not None:
        _read.check_whole(name, "retain_limit", limit, 1)


def wrong_answers(given: object, answer: str) -> tuple[str, ...]:
    """The wrong answers that a release gives, each once, without the right one and without blanks."""
    texts = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    words = [text.strip() for text in texts if isinstance(text, str)]
    return tuple(dict.fromkeys(word for word in words if word and word != answer))
