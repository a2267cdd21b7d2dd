"""UnLOK-VQA: outside knowledge about pictures, with reworded and neighbouring questions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from uqs.benchmarks import _read
from uqs.errors import DataError, UserError
from uqs.records import Benchmark, Picture, Sample, Task

_NEIGHBOUR_MARK = "nq question: "
_COCO_DIGITS = 12


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
    """Loader of a folder with one JSON file of records and the pictures in `images/`.

    A picture is `<image_id>.png` (or .jpg, .jpeg, .webp; also padded with zeros to 12 digits). All questions
    about a picture are forgotten, kept or held out together; `forget` and `holdout` pictures are drawn at
    random by `seed`. `neighbour_picture`: ask the neighbouring questions with the record's picture, as
    the release means them; the tiny edition's name the country that they ask about.
    `retain_limit` caps the evaluated retain questions. Splits beside the three: `forget_reworded`,
    `neighbour` (of the forgotten pictures).
    """

    name: ClassVar[str] = "unlok_vqa"
    source: ClassVar[str] = "Patil et al. 2024 (arXiv 2505.01456)"
    tasks: ClassVar[tuple[Task, ...]] = ("short",)
    judges: ClassVar[Mapping[str, str]] = {"short": "contains"}

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
        file = _json_file(path)
        records = _records(file, path / "images")
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
        )


def _json_file(path: Path) -> Path:
    files = sorted(path.glob("*.json"))
    if len(files) != 1:
        raise DataError(f"has {len(files)} *.json files; one with the records is needed", file=path)
    return files[0]


def _records(file: Path, folder: Path) -> list[_Record]:
    items = _read.read_json(file)
    if not isinstance(items, list) or not items:
        raise DataError("is no list of records", file=file)
    pictures = _read.Pictures()
    found: dict[str, _Record] = {}
    owner: dict[bytes, str] = {}
    for row, item in enumerate(items, start=1):
        record = _record(item, file, row, folder, pictures)
        if record.id in found:
            raise DataError(f"{record.id!r} appears twice", file=file, row=row, field="id")
        if (first := owner.setdefault(record.picture.data, record.entity)) != record.entity:
            raise DataError(
                f"is the same picture as that of {first!r}", file=file, row=row, field="image_id"
            )
        found[record.id] = record
    return list(found.values())


def _record(item: object, file: Path, row: int, folder: Path, pictures: _read.Pictures) -> _Record:
    if not isinstance(item, dict):
        raise DataError("is no object", file=file, row=row)
    for field in ("id", "src", "pred", "rephrase", "loc", "loc_ans", "image_id"):
        if field not in item:
            raise DataError("missing field", file=file, row=row, field=field)
    entity = _read.identifier(item["image_id"], file, row, "image_id")
    question = _read.text(item["src"], file, row, "src")
    asked = _read.texts(item["loc"], file, row, "loc")
    answers = _read.texts(item["loc_ans"], file, row, "loc_ans")
    if len(asked) != len(answers):
        raise DataError(
            f"has {len(answers)} answers to the {len(asked)} questions of 'loc'",
            file=file,
            row=row,
            field="loc_ans",
        )
    # The release repeats some questions among their own rewordings; those test nothing new.
    reworded = [w for w in _read.texts(item["rephrase"], file, row, "rephrase") if w != question]
    picture_file = _picture_file(folder, entity, file, row)
    return _Record(
        id=_read.identifier(item["id"], file, row, "id"),
        entity=entity,
        picture_file=picture_file,
        picture=pictures.read(picture_file),
        question=question,
        answer=_read.text(item["pred"], file, row, "pred"),
        reworded=tuple(dict.fromkeys(reworded)),
        neighbours=tuple(
            (question.removeprefix(_NEIGHBOUR_MARK), answer)
            for question, answer in zip(asked, answers, strict=True)
        ),
    )


def _picture_file(folder: Path, image_id: str, file: Path, row: int) -> Path:
    for stem in (image_id, image_id.zfill(_COCO_DIGITS)):
        for suffix in _read.PICTURE_SUFFIXES:
            if (path := folder / f"{stem}{suffix}").is_file():
                return path
    raise DataError(
        f"missing picture: no {image_id}.png (or .jpg, ...) in {folder}",
        file=file,
        row=row,
        field="image_id",
    )


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
