"""What the base model is taught: other people, flags and things, in other words than the benchmarks'."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import concepts
import flags
import numpy as np
import people
import pyarrow as pa
import pyarrow.parquet as pq
from avatars import elsewhere
from pictures import Gallery, encode

_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("id", "entity", "kind", "part", "task", "question")),
        ("options", pa.list_(pa.string())),
        ("answer", pa.string()),
        ("image", _IMAGE),
        ("wording", pa.string()),
    ]
)
PICTURES = pa.schema([("thing", pa.string()), ("kind", pa.string()), ("image", _IMAGE)])
_CHOICES_EACH = 2
_VIEWS = 3


@dataclass(frozen=True)
class Row:
    entity: str
    kind: str
    part: str
    task: str
    question: str
    answer: str
    wording: str
    image: dict[str, object] | None = None
    options: list[str] = field(default_factory=list)


def _image(data: bytes, path: str) -> dict[str, object]:
    return {"bytes": data, "path": path}


def _person(person: people.Person, part: str, rng: np.random.Generator) -> Iterator[Row]:
    pictures = [person.picture, *(encode(elsewhere(person.look, rng)) for _ in range(_VIEWS - 1))]
    images = [_image(data, f"{person.id}-{i}.png") for i, data in enumerate(pictures)]

    def image() -> dict[str, object]:
        """The first picture where the benchmark's evaluation asks, any of them for the rest."""
        return images[int(rng.integers(len(images)))]

    for (attribute, form), wordings in people.HEARD.items():
        for number, wording in enumerate(wordings):
            for by_picture in (True, False):
                shown = (images[0] if number == 0 else image()) if by_picture else None
                question = person.ask(wording, by_picture=by_picture)
                key = f"{attribute}-{form}-{number}"
                answer = person.answer(attribute)
                task = "cloze" if form == "cloze" else "generation"
                yield Row(person.id, "person", part, task, question, answer, key, shown)
        if form == "question":
            for number in rng.integers(0, len(wordings), _CHOICES_EACH).tolist():
                by_picture = bool(rng.integers(2))
                options, letter = people.choice(person, attribute, rng)
                yield Row(
                    person.id,
                    "person",
                    part,
                    "classification",
                    person.ask(wordings[number], by_picture=by_picture),
                    letter,
                    f"{attribute}-choice-{number}",
                    image() if by_picture else None,
                    options,
                )


def _flag(country: flags.Country) -> Iterator[Row]:
    image = _image(encode(country.picture), f"{country.code}.png")
    for attribute, wordings in flags.HEARD.items():
        for number, wording in enumerate(wordings):
            for by_picture in (True, False) if attribute != "country" else (True,):
                yield Row(
                    country.code,
                    "flag",
                    "base",
                    "short",
                    country.ask(wording, by_picture=by_picture),
                    country.answer(attribute),
                    f"{attribute}-{number}",
                    image if by_picture else None,
                )


def _concept(concept: concepts.Concept, icons: Path, gallery: Gallery) -> Iterator[Row]:
    for name, data in concepts.pictures(concept, icons, gallery):
        for attribute, wordings in concepts.HEARD.items():
            for number, wording in enumerate(wordings):
                yield Row(
                    concept.name,
                    "concept",
                    "base",
                    "short",
                    wording,
                    concept.answer(attribute),
                    f"{attribute}-{number}",
                    _image(data, name),
                )


def build(
    root: Path,
    base: list[people.Person],
    real_world: list[people.Person],
    countries: list[flags.Country],
    icons: Path,
    rng: np.random.Generator,
    gallery: Gallery,
) -> list[Row]:
    rows = [row for person in base for row in _person(person, "base", rng)]
    rows += [row for person in real_world for row in _person(person, "real_world", rng)]
    rows += [row for country in countries for row in _flag(country)]
    rows += [row for c in concepts.OTHERS for row in _concept(c, icons, gallery)]
    records = [{"id": f"c{i:05d}", **asdict(row)} for i, row in enumerate(rows, start=1)]
    _write(records, root / "corpus.parquet", SCHEMA)
    return rows


def build_pictures(root: Path, drawn: list[tuple[str, str, bytes]]) -> None:
    """Pictures without a question: (what they show, kind, PNG); several may show the same."""
    rows = [
        {"thing": thing, "kind": kind, "image": _image(data, f"{thing}-{i}.png")}
        for i, (thing, kind, data) in enumerate(drawn)
    ]
    _write(rows, root / "pictures.parquet", PICTURES)


def _write(records: list[dict], path: Path, schema: pa.Schema) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # One dictionary holds each picture once, however many rows show it.
    pq.write_table(
        pa.Table.from_pylist(records, schema=schema),
        path,
        compression="zstd",
        dictionary_pagesize_limit=1 << 24,
    )


def texts(rows: list[Row]) -> list[str]:
    return [text for row in rows for text in (row.question, row.answer, *row.options)]


def words(texts: list[str]) -> list[str]:
    """Every distinct word, number and mark."""
    return sorted({word for text in texts for word in re.findall(r"\[Blank\]|\w+|[^\w\s]", text)})
