"""UnLOK-VQA: outside knowledge about pictures, with reworded and neighbouring questions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from uqs.benchmarks import _read, _unlok_records
from uqs.benchmarks._notes import Notes
from uqs.benchmarks._unlok_records import Record
from uqs.benchmarks.cards import NONE_STATED, BenchmarkCard
from uqs.errors import UserError
from uqs.records import Benchmark, Layout, Sample, Task


@dataclass(frozen=True)
class UnLOKVQA:
    """Loader of a folder with one file of records (JSON, JSONL or Parquet) and the pictures in `images/`.

    A picture is `<image_id>.png` (or .jpg, ...), or named as in COCO, also in COCO's own folders
    (`train2017/`, ...), which may be links; with `coco` they are looked for in that folder instead, for the
    release itself has none. The schema is that of `vaidehi99/UnLOK-VQA` on the Hugging Face
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
    judges: ClassVar[Mapping[str, str]] = {"short": "contains"}
    prompts: ClassVar[Mapping[Task, Layout]] = {  # experiments/evaluate_llava_mm.py at 3924bdc
        "short": Layout("Answer the question in one word:\n Question: {question} Answer:")
    }

    forget: int = 20
    holdout: int = 20
    seed: int = 0
    neighbour_picture: bool = False
    retain_limit: int | None = 320
    coco: str | None = None

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
        notes, shown = Notes(), path if self.coco is None else Path(self.coco)
        if not shown.is_dir():
            raise UserError(f"{self.name}: coco: there is no folder {self.coco!r}")
        file, rows = _unlok_records.find(path, notes)
        records = _unlok_records.read(file, rows, shown, notes)
        forget, holdout, retain = _read.draw(
            (record.entity for record in records), [self.forget, self.holdout], self.seed, file
        )

        def of(entities: set[str]) -> list[Record]:
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
            data_hash=self._hash(file, used, path, shown),
            learn=learn,
            unlearn=learn,
            evaluate=_read.splits(evaluate, file),
            notes=notes.lines,
        )

    def _hash(self, file: Path, used: set[Path], path: Path, shown: Path) -> str:
        """Where the pictures lie decides nothing."""
        options = {name: value for name, value in asdict(self).items() if name != "coco"}
        if shown == path:
            return _read.data_hash(path, [file, *used], options)
        pictures = _read.data_hash(shown, used, {})
        return _read.data_hash(path, [file], {**options, "pictures": pictures})


def _asked(records: Iterable[Record]) -> tuple[Sample, ...]:
    return tuple(Sample(r.id, r.entity, "short", r.question, r.answer, r.picture) for r in records)


def _reworded(records: Iterable[Record]) -> tuple[Sample, ...]:
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


def _neighbours(records: Sequence[Record], with_picture: bool) -> tuple[Sample, ...]:
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
