"""The files of MLLMU-Bench: a folder of Parquet files per configuration, one row per person.

The schema is that of the release, `MLLMMU/MLLMU-Bench` on the Hugging Face hub, as its own code and
converters of other people read it (github.com/franciscoliu/MLLMU-Bench, eval.py and data_process).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uqs.benchmarks import _choices, _folders, _tables
from uqs.benchmarks._notes import Notes
from uqs.benchmarks._pictures import Pictures
from uqs.benchmarks._place import Place
from uqs.benchmarks._tables import Kind
from uqs.errors import DataError
from uqs.records import Picture, Sample, Task

_LETTERS = ("A", "B", "C", "D")
_CHOICES: Kind = [
    {"Question": "text", "Options": dict.fromkeys(_LETTERS, "text"), "Correct_Answer": "text"}
]
_OPEN: Kind = [{"Question": "text", "Ground_Truth": "text", "Type": "text"}]
_QUESTIONS: Mapping[str, Kind] = {
    "ID": "id",
    "Classification_Task": {"Image_Textual_Questions": _CHOICES, "Pure_Text_Questions": _CHOICES},
    "Generation_Task": _OPEN,
    "Mask_Task": _OPEN,
}
_UNREAD: Mapping[str, Kind] = {"biography": "text", "question": "text", "answer": "text"}
_OPEN_TASKS: Mapping[str, Task] = {"Generation_Task": "generation", "Mask_Task": "cloze"}
_BY_PICTURE = {"Image_Textual": True, "Pure_Text": False}


@dataclass(frozen=True)
class Source:
    """Where the files are, the pictures that were read from them, and what there is to note."""

    root: Path
    pictures: Pictures
    notes: Notes

    def files(self, config: str) -> list[Path]:
        return _folders.table_files(self.root, config)


@dataclass(frozen=True)
class Person:
    """A row: its pictures (one, but in Test_Set) and its questions, asked with the first of them."""

    id: str
    place: Place
    pictures: tuple[Picture, ...]
    questions: tuple[Sample, ...]

    def error(self, field: str, problem: str) -> DataError:
        return self.place.at(field).error(problem)


def people(
    source: Source, config: str, column: str = "image", only: Collection[str] | None = None
) -> dict[str, Person]:
    """The people of a configuration by ID; `column` is `image`, or `images` for a list of them.

    With `only`, people of other IDs are passed over: their pictures are not read.
    """
    kind: Kind = ["image"] if column == "images" else "image"
    found: dict[str, Person] = {}
    seen: set[str] = set()
    for file in source.files(config):
        for number, values in _tables.rows(file, {column: kind, **_QUESTIONS}, _UNREAD):
            row = _Row(Place(file, source.notes, number), values, source.pictures)
            id_ = row.place.at("ID").identifier(values["ID"])
            if id_ in seen:
                raise row.place.at("ID").error(f"{id_!r} appears twice")
            seen.add(id_)
            if only is None or id_ in only:
                found[id_] = row.person(id_, column)
    return found


@dataclass(frozen=True)
class _Row:
    place: Place
    values: Mapping[str, Any]
    pictures: Pictures

    def items(self, value: Sequence[Any] | None, place: Place) -> Iterator[tuple[Any, Place]]:
        """The entries of a list of structs, each with its place."""
        if value is None:
            raise place.error("is empty")
        for number, item in enumerate(value):
            if item is None:
                raise place.item(number).error("is empty")
            yield item, place.item(number)

    def person(self, id_: str, column: str) -> Person:
        images = self.values[column] if column == "images" else [self.values[column]]
        if not images:
            raise self.place.at(column).error("missing picture")
        shown = tuple(
            self.pictures.given(image, f"{id_}-{i}", self.place.file, self.place.row, column)
            for i, image in enumerate(images, 1)
        )
        questions = (*self._choices(id_, shown[0]), *self._open(id_, shown[0]))
        if not questions:
            raise self.place.at("ID").error(f"{id_!r} lacks questions")
        return Person(id_, self.place, shown, questions)

    def _choices(self, id_: str, picture: Picture) -> Iterator[Sample]:
        place, task = self.place.at("Classification_Task"), self.values["Classification_Task"]
        if task is None:
            raise place.error("is empty")
        for by_picture, kind in ((True, "Image_Textual_Questions"), (False, "Pure_Text_Questions")):
            for item, at in self.items(task.get(kind), place.at(kind)):
                options = _choices.options(item["Options"], at.at("Options"))
                yield Sample(
                    id=f"{id_}/{at.field}",
                    entity=id_,
                    task="classification",
                    question=at.at("Question").text(item["Question"]),
                    answer=_choices.letter(
                        item["Correct_Answer"], options, at.at("Correct_Answer")
                    ),
                    picture=picture if by_picture else None,
                    options=options,
                )

    def _open(self, id_: str, picture: Picture) -> Iterator[Sample]:
        for field, task in _OPEN_TASKS.items():
            for item, at in self.items(self.values[field], self.place.at(field)):
                kind = at.at("Type").text(item["Type"])
                if kind not in _BY_PICTURE:
                    raise at.at("Type").error(f"{kind!r} is none of {', '.join(_BY_PICTURE)}")
                yield Sample(
                    id=f"{id_}/{at.field}",
                    entity=id_,
                    task=task,
                    question=at.at("Question").text(item["Question"]),
                    answer=at.at("Ground_Truth").text(item["Ground_Truth"]),
                    picture=picture if _BY_PICTURE[kind] else None,
                )
