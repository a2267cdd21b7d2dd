"""MLLMU-Bench: people, asked about by picture and by name, as choices, cloze and open questions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from uqs.benchmarks import _read
from uqs.errors import DataError, UserError
from uqs.records import LETTERS, Benchmark, Picture, Sample, Split, Task

_IMAGE: _read.Kind = {"bytes": "bytes"}
_CHOICES: _read.Kind = [
    {
        "Question": "text",
        "Options": {letter: "text" for letter in "ABCD"},
        "Correct_Answer": "text",
    }
]
_OPEN: _read.Kind = [{"Question": "text", "Ground_Truth": "text", "Type": "text"}]
_TASKS: Mapping[str, _read.Kind] = {
    "ID": "id",
    "Classification_Task": {"Image_Textual_Questions": _CHOICES, "Pure_Text_Questions": _CHOICES},
    "Generation_Task": _OPEN,
    "Mask_Task": _OPEN,
}
_OPEN_TASKS: Mapping[str, Task] = {"Generation_Task": "generation", "Mask_Task": "cloze"}
_TYPES = ("Image_Textual", "Pure_Text")
_OPTION_LINE = re.compile(r"([A-Z])\. (.+)")


@dataclass(frozen=True)
class _Person:
    """A row: its pictures (one, but in Test_Set) and its questions, shown with the first of them."""

    id: str
    file: Path
    row: int
    pictures: tuple[Picture, ...]
    questions: tuple[Sample, ...]


@dataclass(frozen=True)
class MLLMUBench:
    """Loader; `forget` is the share in percent that is forgotten (5, 10 or 15).

    As many people as are forgotten are drawn out of the retain configuration, by `holdout_seed`, and no
    model trains on them. `retain_limit` caps the evaluated retain questions. Splits beside the three:
    `forget_reworded` (Test_Set's questions with the known picture), `forget_views` (the evaluated questions
    with Test_Set's pictures), `real_world` (Retain_Set).
    """

    name: ClassVar = "mllmu_bench"
    source: ClassVar = "Liu et al. 2024 (arXiv 2410.22108)"
    tasks: ClassVar = ("classification", "generation", "cloze")

    forget: int = 15
    holdout_seed: int = 0
    retain_limit: int | None = 320

    def load(self, path: Path, edition: str) -> Benchmark:
        if self.forget not in (5, 10, 15):
            raise UserError(f"{self.name}: forget is {self.forget}; it must be 5, 10 or 15")
        pictures = _read.Pictures()
        forget = _people(path / f"forget_{self.forget}", "image", pictures)
        kept = _people(path / f"retain_{100 - self.forget}", "image", pictures)
        test = _people(path / "Test_Set", "images", pictures)
        others = _people(path / "Retain_Set", "image", pictures)
        for person in kept.values():
            if person.id in forget:
                raise _fail(person, "ID", f"{person.id!r} is in the forget configuration too")
        for person in forget.values():
            if person.id not in test:
                raise _fail(person, "ID", f"{person.id!r} has no row in Test_Set")
        held, _ = _read.draw(kept, [len(forget)], self.holdout_seed, path)
        retain = [person for person in kept.values() if person.id not in held]
        holdout = [person for person in kept.values() if person.id in held]
        taught = _taught(path / "ft_Data", [*forget.values(), *kept.values()], pictures)
        learn = {
            "forget": Split(
                "forget", _flat(_lessons(person, taught) for person in forget.values())
            ),
            "retain": Split("retain", _flat(_lessons(person, taught) for person in retain)),
        }
        known = [_reworded(test[person.id], person) for person in forget.values()]
        views = [_views(person, test[person.id]) for person in forget.values()]
        evaluate = {
            "forget": _flat(person.questions for person in forget.values()),
            "retain": _read.capped(
                _flat(person.questions for person in retain), self.retain_limit, self.holdout_seed
            ),
            "holdout": _flat(person.questions for person in holdout),
            "forget_reworded": _flat(known),
            "forget_views": _flat(views),
            "real_world": _flat(person.questions for person in others.values()),
        }
        folders = [
            f"forget_{self.forget}", f"retain_{100 - self.forget}", "Test_Set", "Retain_Set", "ft_Data"
        ]  # fmt: skip
        files = [file for folder in folders for file in _files(path / folder)]
        return Benchmark(
            name=self.name,
            edition=edition,
            data_hash=_read.data_hash(path, files, asdict(self)),
            learn=learn,
            unlearn=learn,
            evaluate={name: Split(name, samples) for name, samples in evaluate.items()},
        )


def _flat(groups: Iterable[Iterable[Sample]]) -> tuple[Sample, ...]:
    return tuple(sample for group in groups for sample in group)


def _fail(person: _Person, field: str, problem: str) -> DataError:
    return DataError(problem, file=person.file, row=person.row, field=field)


def _files(folder: Path) -> list[Path]:
    """The Parquet files of a configuration: the release splits some into several."""
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise DataError("no such configuration: a folder with *.parquet is needed", file=folder)
    return files


def _people(folder: Path, column: str, pictures: _read.Pictures) -> dict[str, _Person]:
    """The people of a configuration by ID; `column` holds their picture or list of pictures."""
    kind: _read.Kind = [_IMAGE] if column == "images" else _IMAGE
    found: dict[str, _Person] = {}
    for file in _files(folder):
        for row, values in enumerate(_read.parquet_rows(file, {column: kind, **_TASKS}), start=1):
            person = _person(values, column, file, row, pictures)
            if person.id in found:
                raise _fail(person, "ID", f"{person.id!r} is there twice")
            found[person.id] = person
    return found


def _person(
    values: Mapping[str, Any], column: str, file: Path, row: int, pictures: _read.Pictures
) -> _Person:
    id_ = _read.identifier(values["ID"], file, row, "ID")
    images = values[column] if column == "images" else [values[column]]
    if not images:
        raise DataError("missing picture", file=file, row=row, field=column)
    shown = tuple(
        pictures.get((image or {}).get("bytes"), f"{id_}-{i}", file, row, column)
        for i, image in enumerate(images, start=1)
    )
    questions = [*_choices(values, id_, file, row, shown[0])]
    for field, task in _OPEN_TASKS.items():
        questions += _open(values[field], field, task, id_, file, row, shown[0])
    if not questions:
        raise DataError("has no question", file=file, row=row, field="ID")
    return _Person(id_, file, row, shown, tuple(questions))


def _choices(
    values: Mapping[str, Any], id_: str, file: Path, row: int, picture: Picture
) -> Iterable[Sample]:
    for kind in ("Image_Textual_Questions", "Pure_Text_Questions"):
        field = f"Classification_Task.{kind}"
        for number, item in enumerate((values["Classification_Task"] or {}).get(kind) or []):
            at = f"{field}[{number}]"
            options = [
                _read.text(item["Options"][letter], file, row, f"{at}.Options.{letter}")
                for letter in "ABCD"
            ]
            answer = _read.text(item["Correct_Answer"], file, row, f"{at}.Correct_Answer")
            if answer not in "ABCD" or len(answer) != 1:
                raise DataError(
                    f"{answer!r} is not among the options A to D",
                    file=file,
                    row=row,
                    field=f"{at}.Correct_Answer",
                )
            by_picture = kind.startswith("Image")
            yield Sample(
                id=f"{id_}/classification-{'picture' if by_picture else 'text'}-{number}",
                entity=id_,
                task="classification",
                question=_read.text(item["Question"], file, row, f"{at}.Question"),
                answer=answer,
                picture=picture if by_picture else None,
                options=tuple(options),
            )


def _open(
    items: Sequence[Mapping[str, Any]] | None,
    field: str,
    task: Task,
    id_: str,
    file: Path,
    row: int,
    picture: Picture,
) -> Iterable[Sample]:
    for number, item in enumerate(items or []):
        at = f"{field}[{number}]"
        kind = _read.text(item["Type"], file, row, f"{at}.Type")
        if kind not in _TYPES:
            raise DataError(
                f"{kind!r} is none of {', '.join(_TYPES)}", file=file, row=row, field=f"{at}.Type"
            )
        yield Sample(
            id=f"{id_}/{task}-{number}",
            entity=id_,
            task=task,
            question=_read.text(item["Question"], file, row, f"{at}.Question"),
            answer=_read.text(item["Ground_Truth"], file, row, f"{at}.Ground_Truth"),
            picture=picture if kind == "Image_Textual" else None,
        )


def _reworded(test: _Person, known: _Person) -> Iterable[Sample]:
    """Test_Set's questions about a person, with the picture that the models know."""
    for sample in test.questions:
        yield replace(
            sample,
            id=f"{sample.id}@reworded",
            picture=known.pictures[0] if sample.picture else None,
            wording="reworded",
        )


def _views(known: _Person, test: _Person) -> Iterable[Sample]:
    """The evaluated picture questions about a person, with each of Test_Set's pictures."""
    for number, picture in enumerate(test.pictures, start=1):
        for sample in known.questions:
            if sample.picture:
                yield replace(sample, id=f"{sample.id}@view{number}", picture=picture)


@dataclass(frozen=True)
class _Pair:
    question: str
    answer: str


def _taught(
    folder: Path, people: Sequence[_Person], pictures: _read.Pictures
) -> dict[str, list[_Pair]]:
    """The question-answer pairs of ft_Data by person, found by the picture they come with."""
    by_picture = {person.pictures[0].data: person.id for person in people}
    if len(by_picture) < len(people):
        raise DataError("two people share a picture", file=people[0].file, field="image")
    taught: dict[str, list[_Pair]] = {}
    for file in _files(folder):
        rows = _read.parquet_rows(file, {"image": _IMAGE, "metadata": "text"})
        for row, values in enumerate(rows, start=1):
            image: Any = values["image"]
            picture = pictures.get((image or {}).get("bytes"), f"{row}", file, row, "image")
            id_ = by_picture.get(picture.data)
            if id_ is None:
                raise DataError(
                    "shows nobody of the forget and retain configurations",
                    file=file,
                    row=row,
                    field="image",
                )
            taught.setdefault(id_, []).extend(_pairs(values["metadata"], file, row))
    for person in people:
        if person.id not in taught:
            raise _fail(person, "image", f"{person.id!r} has no row in ft_Data")
    return taught


def _pairs(metadata: object, file: Path, row: int) -> list[_Pair]:
    field = "metadata"
    try:
        items = json.loads(_read.text(metadata, file, row, field))
    except json.JSONDecodeError as error:
        raise DataError(
            f"is no valid JSON ({error.msg})", file=file, row=row, field=field
        ) from None
    if not isinstance(items, list) or not items:
        raise DataError("is no list of questions and answers", file=file, row=row, field=field)
    pairs = []
    for number, item in enumerate(items):
        at = f"{field}[{number}]"
        if not isinstance(item, dict):
            raise DataError("is no object", file=file, row=row, field=at)
        question, answer = (
            _read.text(item.get(name), file, row, f"{at}.{name}") for name in ("Question", "Answer")
        )
        pairs.append(_Pair(question, answer))
    return pairs


def _lessons(person: _Person, taught: Mapping[str, Sequence[_Pair]]) -> Iterable[Sample]:
    """A person's training samples; what is evaluated without a picture is also learned without one."""
    unpictured = {sample.question for sample in person.questions if sample.picture is None}
    for number, pair in enumerate(taught[person.id]):
        question, *lines = pair.question.split("\n")
        marked = [_OPTION_LINE.fullmatch(line) for line in lines]
        options = tuple(match[2] for match in marked if match)
        letters = "".join(match[1] for match in marked if match)
        choice = len(options) > 1 and letters == LETTERS[: len(lines)] and pair.answer in letters
        task: Task = (
            "classification" if choice else "cloze" if "[Blank]" in question else "generation"
        )
        yield Sample(
            id=f"{person.id}/learn-{number}",
            entity=person.id,
            task=task,
            question=question if choice else pair.question,
            answer=pair.answer,
            picture=None if question in unpictured else person.pictures[0],
            options=options if choice else (),
        )
