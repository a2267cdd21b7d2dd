"""TOFU: invented authors, questions and answers in text alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from uqs.benchmarks import _folders, _read, _tables
from uqs.benchmarks._assemble import (
    Entity,
    assemble,
    check_drawn,
    largest_share,
    wrong_answers,
)
from uqs.benchmarks._notes import Notes
from uqs.benchmarks._place import Place, says_something
from uqs.benchmarks.cards import BenchmarkCard
from uqs.errors import DataError
from uqs.records import Benchmark, Sample, Task

_PAIR: Mapping[str, _tables.Kind] = {"question": "text", "answer": "text"}
_WORLD = ("real_authors", "world_facts")


@dataclass(frozen=True)
class TOFU:
    """Loader of the release's files (`forget10.json`, `retain90.json`, ...; JSON lines, or Parquet).

    `forget` is the forgotten share in percent, by default the largest; holdout authors are drawn from the
    retain file. The release does not name the authors: `per_author` rows that follow each other are one.
    From `forget10_perturbed` come `forget_reworded` and the wrong answers; `real_world` are the real authors
    and world facts. The schema is that of `locuslab/TOFU` on the Hugging Face hub, README at 9772050, and of
    github.com/locuslab/open-unlearning.
    """

    name: ClassVar[str] = "tofu"
    source: ClassVar[str] = "Maini et al. 2024 (arXiv 2401.06121)"
    tasks: ClassVar[tuple[Task, ...]] = ("generation",)
    judges: ClassVar[Mapping[str, str]] = {"generation": "rouge"}
    card: ClassVar[BenchmarkCard] = BenchmarkCard(
        title="TOFU",
        paper="arXiv 2401.06121",
        release="locuslab/TOFU on the Hugging Face hub",
        revision="9772050 (README)",
        licence="Apache-2.0",
        measures="whether facts about invented authors are forgotten, in text alone",
        splits="forget, retain, holdout (drawn from retain), forget_reworded, real_world",
        sizes={
            **{f"pairs of forget{share:02}": 40 * share for share in (1, 5, 10)},
            **{f"pairs of retain{100 - share}": 40 * (100 - share) for share in (1, 5, 10)},
        },
        problems=(
            "no pictures: metrics and probes by picture have nothing to measure",
            "answers are sentences: exact match is near 0 for any model",
        ),
    )

    forget: int | None = None
    per_author: int = 20
    holdout_seed: int = 0
    retain_limit: int | None = 320

    def __post_init__(self) -> None:
        check_drawn(self.name, self.forget, self.holdout_seed, self.retain_limit)
        _read.check_whole(self.name, "per_author", self.per_author, 1)

    def load(self, path: Path, edition: str) -> Benchmark:
        share = self.forget or largest_share(path, r"forget(\d+)", "forget10.json, forget05.json")
        notes = Notes()
        names = f"forget{share:02}", f"retain{100 - share:02}"
        perturbed = f"{names[0]}_perturbed"
        beside = [name for name in (perturbed, *_WORLD) if _folders.has_table(path, name)]
        more = dict(_perturbed(path, perturbed, notes)) if perturbed in beside else {}
        forget, retain = (self._authors(path, name, notes, more) for name in names)
        asked = {s.question: s for entity in forget.values() for s in entity.learn}
        return assemble(
            self.name,
            path,
            edition,
            options=asdict(self),
            files=[f for name in (*names, *beside) for f in _folders.table_files(path, name)],
            notes=notes,
            forget=forget,
            retain=retain,
            beside={
                "forget_reworded": list(_reworded(more, asked)),
                "real_world": [s for n in _WORLD if n in beside for s in _world(path, n, notes)],
            },
        )

    def _authors(
        self, path: Path, name: str, notes: Notes, more: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Entity]:
        found: dict[str, Entity] = {}
        number = 0
        for number, (place, question, answer) in enumerate(_pairs(path, name, notes), start=1):
            author = f"{name} author {(number - 1) // self.per_author + 1}"
            wrong = wrong_answers(more.get(question, {}).get("perturbed_answer"), answer)
            sample = Sample(f"{name}/{number}", author, "generation", question, answer, wrong=wrong)
            entity = found.setdefault(author, Entity([], []))
            if any(sample.question == other.question for other in entity.learn):
                place.at("question").note("question", "asked twice of one author")
            entity.learn.append(sample)
            entity.asked.append(sample)
        if number % self.per_author:
            raise DataError(
                f"has {number} pairs, which are no whole authors of {self.per_author}",
                file=_folders.table_files(path, name)[0],
            )
        for line in self.card.unlike({f"pairs of {name}": number}):
            notes.say(line)
        return found


def _rows(
    path: Path, name: str, notes: Notes, optional: Mapping[str, _tables.Kind]
) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    for file in _folders.table_files(path, name):
        for number, values in _tables.rows(file, _PAIR, optional=optional):
            yield Place(file, notes, number), values


def _pairs(path: Path, name: str, notes: Notes) -> Iterator[tuple[Place, str, str]]:
    """Questions and answers; a blank one is an error, for it would shift the authors after it."""
    for place, values in _rows(path, name, notes, {}):
        question = place.at("question").text(values["question"])
        yield place, question, place.at("answer").text(values["answer"])


def _perturbed(path: Path, name: str, notes: Notes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    optional: Mapping[str, _tables.Kind] = {
        "paraphrased_question": "text",
        "perturbed_answer": ["text"],
    }
    for place, values in _rows(path, name, notes, optional):
        yield place.at("question").text(values["question"]), values


def _reworded(
    more: Mapping[str, Mapping[str, Any]], asked: Mapping[str, Sample]
) -> Iterator[Sample]:
    for question, values in more.items():
        known, wording = asked.get(question), values.get("paraphrased_question")
        if known is not None and says_something(wording) and str(wording).strip() != question:
            yield Sample(
                f"{known.id}@reworded",
                known.entity,
                "generation",
                str(wording).strip(),
                known.answer,
                wording="reworded",
                wrong=known.wrong,
            )


def _world(path: Path, name: str, notes: Notes) -> Iterable[Sample]:
    for number, (_, question, answer) in enumerate(_pairs(path, name, notes), start=1):
        yield Sample(f"{name}/{number}", f"{name} {number}", "generation", question, answer)
