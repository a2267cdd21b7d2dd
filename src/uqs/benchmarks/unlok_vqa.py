"""UnLOK-VQA: outside knowledge about pictures, with reworded and neighbouring questions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from uqs.benchmarks import _folders, _read, _structures, _tables
from uqs.benchmarks._coco import CocoPictures
from uqs.benchmarks._notes import Notes
from uqs.benchmarks._pictures import Pictures
from uqs.benchmarks._place import Place, says_something
from uqs.benchmarks.cards import NONE_STATED, BenchmarkCard
from uqs.errors import DataError, UserError
from uqs.records import Benchmark, Picture, Sample, Task

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
class _Record:
    id: str
    entity: str
    picture_file: Path
    picture: Picture
    question: str
    answer: str
    reworded: tuple[str, ...]
    neighbours: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class UnLOKVQA:
    """Loader of a folder with one file of records (JSON, JSONL or Parquet) and the pictures in `images/`.

    A picture is `<image_id>.png` (or .jpg, ...), or named as in COCO, also in COCO's own folders
    (`train2017/`, ...), which may be links. The schema is that of `vaidehi99/UnLOK-VQA` on the Hugging Face
    hub (github.com/Vaidehi99/UnLOK-VQA, README); `rephrase`, `loc` and `loc_ans` may be null. All questions
    about a picture are forgotten, kept or held out together; `forget` and `holdout` pictures are drawn at
    random by `seed`. `neighbour_picture`: ask the neighbouring questions with the record's picture, as
    the release means them; the tiny edition's name the country that they ask about.
    `retain_limit` caps the evaluated retain questions. Splits beside the three: `forget_reworded`,
    `neighbour` (of the forgotten pictures).
    """

    name: ClassVar[str] = "unlok_vqa"
    source: ClassVar[str] = "Patil et al. 2024 (arXiv 2505.01456)"
    tasks: ClassVar[tuple[Task, ...]] = ("short",)
    card: ClassVar[BenchmarkCard] = BenchmarkCard(
        title="UnLOK-VQA",
        paper="arXiv 2505.01456",
        release="vaidehi99/UnLOK-VQA on the Hugging Face hub; pictures of COCO",
        revision="described in github.com/Vaidehi99/UnLOK-VQA at 3924bdc",
        licence=f"{NONE_STATED}; COCO's pictures have licences of their own",
        measures="whether outside knowledge about a picture is forgotten, and its neighbours are kept",
        splits="forget, retain, holdout (all drawn), forget_reworded, neighbour (of the forgotten)",
        problems=(
            "the release deletes one fact at a time and has no forget and retain split: they are drawn here",
            "its facts are common knowledge that a base knows before any training",
            "its rephrasings and neighbouring questions were generated; some are null or blank",
        ),
    )

    forget: int = 20
    holdout: int = 20
    seed: int = 0
    neighbour_picture: bool = False
    retain_limit: int | None = 320

    def __post_init__(self) -> None:
        _read.check_whole(self.name, "forget", self.forget, 1)
        _read.check_whole(self.name, "holdout", self.holdout, 1)
        _read.check_whole(self.name, "seed", self.seed, 0)
        if not isinstance(self.neighbour_picture, bool):
            raise UserError(
                f"{self.name}: neighbour_picture is {self.neighbour_picture!r}, not true or false"
            )
        if self.retain_limit is not None:
            _read.check_whole(self.name, "retain_limit", self.retain_limit, 1)

    def load(self, path: Path, edition: str) -> Benchmark:
        notes = Notes()
        file, rows = _file(path, notes)
        records = _records(file, rows, path, notes)
        forget, holdout, retain = _read.draw(
            (record.entity for record in records), [self.forget, self.holdout], self.seed, file
        )

        def of(entities: set[str]) -> list[_Record]:
            return [record for record in records if record.entity in entities]

        learn = _read.splits({"forget": _asked(of(forget)), "retain": _asked(of(retain))}, file)
        evaluate = {
            "forget": _asked(of(forget)),
            "retain": _read.capped(_asked(of(retain)), self.retain_limit, self.seed),
            "holdout": _asked(of(holdout)),
            "forget_reworded": _reworded(of(forget)),
            "neighbour": _neighbours(of(forget), self.neighbour_picture),
        }
        used = {record.picture_file for record in records}
        return Benchmark(
            name=self.name,
            edition=edition,
            data_hash=_read.data_hash(path, [file, *used], asdict(self)),
            learn=learn,
            unlearn=learn,
            evaluate=_read.splits(evaluate, file),
            notes=notes.lines,
        )


def _file(path: Path, notes: Notes) -> tuple[Path, list[tuple[int, object]]]:
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


def _records(
    file: Path, rows: Iterable[tuple[int, object]], root: Path, notes: Notes
) -> list[_Record]:
    pictures, coco = Pictures(root), CocoPictures(root)
    found: dict[str, _Record] = {}
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


def _record(item: object, place: Place, coco: CocoPictures, pictures: Pictures) -> _Record:
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
    return _Record(
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


def _asked(records: Iterable[_Record]) -> tuple[Sample, ...]:
    return tuple(Sample(r.id, r.entity, "short", r.question, r.answer, r.picture) for r in records)


def _reworded(records: Iterable[_Record]) -> tuple[Sample, ...]:
    return tuple(
        Sample(
            id=f"{record.id}@reworded{number}",
            entity=record.entity,
            task="short",
            question=wording,
            answer=record.answer,
            picture=record.picture,
            wording="reworded",
        )
        for record in records
        for number, wording in enumerate(record.reworded, start=1)
    )


def _neighbours(records: Sequence[_Record], with_picture: bool) -> tuple[Sample, ...]:
    """Each neighbouring question once: without a picture, the same words are the same question."""
    samples: dict[tuple[str, str], Sample] = {}
    for record in records:
        for number, (question, answer) in enumerate(record.neighbours, start=1):
            samples.setdefault(
                (record.entity if with_picture else "", question),
                Sample(
                    id=f"{record.id}@neighbour{number}",
                    entity=record.entity,
                    task="short",
                    question=question,
                    answer=answer,
                    picture=record.picture if with_picture else None,
                ),
            )
    return tuple(samples.values())
