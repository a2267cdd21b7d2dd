"""The files of MLLMU-Bench: one folder of Parquet files per configuration, one row per person."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uqs.benchmarks._read import Kind, Pictures, identifier, parquet_rows, text
from uqs.errors import DataError
from uqs.records import Picture, Sample, Task

_LETTERS = ("A", "B", "C", "D")
_IMAGE: Kind = {"bytes": "bytes"}
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
class Person:
    """A row: its pictures (one, but in Test_Set) and its questions, asked with the first of them."""

    id: str
    file: Path
    row: int
    pictures: tuple[Picture, ...]
    questions: tuple[Sample, ...]

    def error(self, field: str, problem: str) -> DataError:
        return DataError(problem, file=self.file, row=self.row, field=field)


@dataclass(frozen=True)
class Pair:
    """A question and its answer as ft_Data teaches them, and the picture of their row if it has one."""

    question: str
    answer: str
    picture: Picture | None


def files(folder: Path) -> list[Path]:
    """The Parquet files of a configuration: the release splits some into several."""
    found = sorted(folder.glob("*.parquet"))
    if not found:
        raise DataError(
            "this configuration is missing: a folder with *.parquet files is needed", file=folder
        )
    return found


def people(folder: Path, column: str, pictures: Pictures) -> dict[str, Person]:
    """The people of a configuration by ID; `column` is `image`, or `images` for a list of them."""
    kind: Kind = [_IMAGE] if column == "images" else _IMAGE
    found: dict[str, Person] = {}
    for file in files(folder):
        rows = parquet_rows(file, {column: kind, **_QUESTIONS}, unread=_UNREAD)
        for number, values in enumerate(rows, start=1):
            person = _Row(file, number, values, pictures).person(column)
            if person.id in found:
                raise person.error("ID", f"{person.id!r} appears twice")
            found[person.id] = person
    return found


def pairs(folder: Path, people: Sequence[Person], pictures: Pictures) -> dict[str, list[Pair]]:
    """The question-answer pairs of ft_Data by person.

    Whose row it is shows by its picture, or by its `ID` where the file has one: then a person may have
    several rows, each with a picture of its own or with none.
    """
    owner: dict[bytes, str] = {}
    for person in people:
        if (data := person.pictures[0].data) in owner:
            raise person.error("image", f"is the same picture as that of {owner[data]!r}")
        owner[data] = person.id
    taught: dict[str, list[Pair]] = {}
    for file in files(folder):
        columns: dict[str, Kind] = {"image": _IMAGE, "metadata": "text"}
        rows = parquet_rows(file, columns, optional={"ID": "id"})
        for number, values in enumerate(rows, start=1):
            row = _Row(file, number, values, pictures)
            id_, shown = row.taught(owner)
            taught.setdefault(id_, []).extend(row.pairs(shown))
    for person in people:
        if person.id not in taught:
            raise person.error("image", f"{person.id!r} has no row in ft_Data")
    return taught


@dataclass(frozen=True)
class _Row:
    file: Path
    number: int
    values: Mapping[str, Any]
    pictures: Pictures

    def error(self, field: str, problem: str) -> DataError:
        return DataError(problem, file=self.file, row=self.number, field=field)

    def text(self, value: object, field: str) -> str:
        return text(value, self.file, self.number, field)

    def items(self, value: Sequence[Any] | None, field: str) -> Iterator[tuple[Any, str]]:
        """The entries of a list of structs, each with the name that an error calls it by."""
        if value is None:
            raise self.error(field, "is empty")
        for number, item in enumerate(value):
            if item is None:
                raise self.error(f"{field}[{number}]", "is empty")
            yield item, f"{field}[{number}]"

    def picture(self, image: Mapping[str, Any] | None, field: str, name: str) -> Picture:
        data = None if image is None else image["bytes"]
        return self.pictures.get(data, name, self.file, self.number, field)

    def person(self, column: str) -> Person:
        id_ = identifier(self.values["ID"], self.file, self.number, "ID")
        images = self.values[column] if column == "images" else [self.values[column]]
        if not images:
            raise self.error(column, "missing picture")
        shown = tuple(
            self.picture(image, column, f"{id_}-{i}") for i, image in enumerate(images, 1)
        )
        questions = (*self._choices(id_, shown[0]), *self._open(id_, shown[0]))
        if not questions:
            raise self.error("ID", f"{id_!r} lacks questions")
        return Person(id_, self.file, self.number, shown, questions)

    def _choices(self, id_: str, picture: Picture) -> Iterator[Sample]:
        task = self.values["Classification_Task"]
        if task is None:
            raise self.error("Classification_Task", "is empty")
        for by_picture, kind in ((True, "Image_Textual_Questions"), (False, "Pure_Text_Questions")):
            for item, at in self.items(task[kind], f"Classification_Task.{kind}"):
                answer = self.text(item["Correct_Answer"], f"{at}.Correct_Answer")
                if answer not in _LETTERS:
                    raise self.error(
                        f"{at}.Correct_Answer", f"{answer!r} is not among the options A to D"
                    )
                options = item["Options"] or {}
                yield Sample(
                    id=f"{id_}/{at}",
                    entity=id_,
                    task="classification",
                    question=self.text(item["Question"], f"{at}.Question"),
                    answer=answer,
                    picture=picture if by_picture else None,
                    options=tuple(
                        self.text(options.get(letter), f"{at}.Options.{letter}")
                        for letter in _LETTERS
                    ),
                )

    def _open(self, id_: str, picture: Picture) -> Iterator[Sample]:
        for field, task in _OPEN_TASKS.items():
            for item, at in self.items(self.values[field], field):
                kind = self.text(item["Type"], f"{at}.Type")
                if kind not in _BY_PICTURE:
                    raise self.error(f"{at}.Type", f"{kind!r} is none of {', '.join(_BY_PICTURE)}")
                yield Sample(
                    id=f"{id_}/{at}",
                    entity=id_,
                    task=task,
                    question=self.text(item["Question"], f"{at}.Question"),
                    answer=self.text(item["Ground_Truth"], f"{at}.Ground_Truth"),
                    picture=picture if _BY_PICTURE[kind] else None,
                )

    def unique(self, entries: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        """The object of the entries that JSON gives for it."""
        names = [name for name, _ in entries]
        for name in names:
            if names.count(name) > 1:
                raise self.error("metadata", f"{name!r} is given twice")
        return dict(entries)

    def taught(self, owner: Mapping[bytes, str]) -> tuple[str, Picture | None]:
        """Of a row of ft_Data: whom it is about, and its picture."""
        image = self.values["image"]
        if "ID" not in self.values:
            shown = self.picture(image, "image", str(self.number))
            if shown.data not in owner:
                raise self.error("image", "shows nobody of the forget and retain configurations")
            return owner[shown.data], shown
        id_ = identifier(self.values["ID"], self.file, self.number, "ID")
        if id_ not in owner.values():
            raise self.error("ID", f"{id_!r} is nobody of the forget and retain configurations")
        if image is None:
            return id_, None
        shown = self.picture(image, "image", f"{id_}-{self.number}")
        if owner.get(shown.data, id_) != id_:
            raise self.error("image", f"is the picture of {owner[shown.data]!r}, not of {id_!r}")
        return id_, shown

    def pairs(self, shown: Picture | None) -> Iterator[Pair]:
        try:
            found = json.loads(
                self.text(self.values["metadata"], "metadata"), object_pairs_hook=self.unique
            )
        except json.JSONDecodeError as error:
            raise self.error("metadata", f"is not valid JSON ({error.msg})") from None
        if not isinstance(found, list) or not found:
            raise self.error("metadata", "is no list of questions and answers")
        for item, at in self.items(found, "metadata"):
            if not isinstance(item, dict):
                raise self.error(at, "is no object")
            yield Pair(
                self.text(item.get("Question"), f"{at}.Question"),
                self.text(item.get("Answer"), f"{at}.Answer"),
                shown,
            )
