"""The records of UnLOK-VQA: one file among others, lists that are null, blanks, pictures by COCO id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from uqs.benchmarks import _folders, _structures, _tables
from uqs.benchmarks._coco import CocoPictures
from uqs.benchmarks._notes import Notes
from uqs.benchmarks._pictures import Pictures
from uqs.benchmarks._place import Place, says_something
from uqs.errors import DataError
from uqs.records import Picture

_NEIGHBOUR_MARK = "nq question: "
_FIELDS = ("id", "src", "pred", "image_id")
_LISTS = ("rephrase", "loc", "loc_ans")
_PARQUET: Mapping[str, _tables.Kind] = {
    "id": "id",
    "src": "text",
    "pred": "text",
    "image_id": "id",
    **{field: ["text"] for field in _LISTS},
}


@dataclass(frozen=True)
class Record:
    id: str
    entity: str
    picture_file: Path
    picture: Picture
    question: str
    answer: str
    reworded: tuple[str, ...]
    neighbours: tuple[tuple[str, str], ...]


def find(path: Path, notes: Notes) -> tuple[Path, list[tuple[int, object]]]:
    """The one file that holds records of this benchmark, and its records."""
    files = [f for f in _folders.entries(path) if f.suffix in _folders.TABLES and f.is_file()]
    if not files:
        raise DataError("has no *.json file with records (nor *.jsonl, *.parquet)", file=path)
    if len(files) == 1:
        return files[0], _content(files[0])
    found = {file: rows for file in files if (rows := _taken_for_records(file))}
    if len(found) != 1:
        which = ", ".join(file.name for file in found or files)
        raise DataError(f"has {len(found)} files with records, one is needed: {which}", file=path)
    ((file, rows),) = found.items()
    others = ", ".join(other.name for other in files if other != file)
    notes.say(f"not read, for they hold no records of this benchmark: {others}")
    return file, rows


def _content(file: Path) -> list[tuple[int, object]]:
    if file.suffix == ".parquet":
        return list(_tables.rows(file, {}, optional=_PARQUET))
    return list(_tables.records(file))


def _taken_for_records(file: Path) -> list[tuple[int, object]] | None:
    """The content of a file beside others, None where it is something else."""
    try:
        found = _content(file)
    except DataError as error:
        if "Git LFS" in error.problem:
            raise
        return None
    first = found[0][1]
    return found if isinstance(first, dict) and set(first) >= set(_FIELDS) else None


def read(file: Path, rows: Iterable[tuple[int, object]], root: Path, notes: Notes) -> list[Record]:
    pictures, coco = Pictures(root), CocoPictures(root)
    found: dict[str, Record] = {}
    owner: dict[str, str] = {}
    for row, item in rows:
        place = Place(file, notes, row)
        record = _record(item, place, coco, pictures)
        if record.id in found:
            raise place.at("id").error(f"{record.id!r} appears twice")
        if (first := owner.setdefault(record.picture.content, record.entity)) != record.entity:
            raise place.at("image_id").error(f"is the same picture as that of {first!r}")
        found[record.id] = record
    return list(found.values())


def _record(item: object, place: Place, coco: CocoPictures, pictures: Pictures) -> Record:
    if not isinstance(item, dict):
        raise place.error("is no object")
    for field in (*_FIELDS, *_LISTS):
        if field not in item:
            raise place.at(field).error("missing field")
    entity = place.at("image_id").identifier(item["image_id"])
    question = place.at("src").text(item["src"])
    answer = place.at("pred").text(item["pred"])
    file = coco.file(entity, place.at("image_id"))
    # The release repeats some questions among their own rewordings; those test nothing new.
    wordings = _list(item["rephrase"], place.at("rephrase"))
    told = [w for w in wordings if says_something(w)]
    if len(told) < len(wordings):
        place.at("rephrase").note("blank rewording", "left out")
    reworded = [place.at("rephrase").item(i).text(w) for i, w in enumerate(told)]
    return Record(
        id=place.at("id").identifier(item["id"]),
        entity=entity,
        picture_file=file,
        picture=pictures.read(file),
        question=question,
        answer=answer,
        reworded=tuple(dict.fromkeys(w for w in reworded if w != question)),
        neighbours=tuple(_neighbours_of(item, place)),
    )


def _neighbours_of(item: Mapping[str, object], place: Place) -> Iterator[tuple[str, str]]:
    """The questions of `loc` with the answers of `loc_ans`; a pair of which one is blank is left out."""
    asked, answers = (_list(item[field], place.at(field)) for field in ("loc", "loc_ans"))
    if len(asked) != len(answers):
        raise place.at("loc_ans").error(
            f"has {len(answers)} answers to the {len(asked)} questions of 'loc'"
        )
    for number, (question, answer) in enumerate(zip(asked, answers, strict=True)):
        if not says_something(question) or not says_something(answer):
            place.at("loc").item(number).note(
                "neighbouring question", "left out, blank or unanswered"
            )
            continue
        yield (
            place.at("loc").item(number).text(question).removeprefix(_NEIGHBOUR_MARK),
            place.at("loc_ans").item(number).text(answer),
        )


def _list(value: object, place: Place) -> list[object]:
    """A list; null is an empty one, and a text is one item or a list that is written as text."""
    if value is None:
        place.note("list", "null, read as empty")
        return []
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = _structures.parsed(value, place)
    if isinstance(value, str):
        place.note("text", "read as a list of one")
        return [value]
    if not isinstance(value, list):
        raise place.error(f"is {type(value).__name__}, not a list")
    return value
