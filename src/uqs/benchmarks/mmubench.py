"""MMUBench: concepts with many pictures each; one picture is unlearned, the others test generality."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from uqs.benchmarks import _folders, _read
from uqs.benchmarks._notes import Notes
from uqs.benchmarks._pictures import ANIMATED, PICTURE_SUFFIXES, Pictures
from uqs.benchmarks._place import Place
from uqs.benchmarks.cards import NONE_STATED, BenchmarkCard
from uqs.errors import DataError
from uqs.records import Benchmark, Picture, Sample, Task, Wording

NAMING = ("What is shown here?", "What is in this picture?", "What is the name of the thing shown?")
_FACTS_FILE = "concepts.json"


@dataclass(frozen=True)
class _Question:
    """One question in its evaluated wording and others, with the answer for each concept."""

    name: str
    wordings: tuple[str, ...]
    answers: Mapping[str, str]


@dataclass(frozen=True)
class MMUBench:
    """Loader of a folder with one folder of pictures per concept.

    Without `concepts.json` only the concept's name is asked. `forget` and `holdout` concepts are drawn at
    random by `seed`, and so is the one picture per forgotten concept that unlearning sees; `forget` is
    evaluated on the other pictures. `retain_limit` caps the evaluated retain questions. A split beside the
    three: `forget_reworded`.
    """

    name: ClassVar[str] = "mmubench"
    source: ClassVar[str] = "Li et al. 2024 (arXiv 2405.12523)"
    tasks: ClassVar[tuple[Task, ...]] = ("short",)
    card: ClassVar[BenchmarkCard] = BenchmarkCard(
        title="MMUBench",
        paper="arXiv 2405.12523",
        release="not released; bring folders of pictures",
        revision="",
        licence=f"{NONE_STATED}; that of your own pictures",
        measures="whether a concept is forgotten from one picture of it, seen on its other pictures",
        splits="forget, retain, holdout (all drawn), forget_reworded",
        problems=("the concepts of the paper are known to a base from elsewhere",),
    )
    judges: ClassVar[Mapping[str, str]] = {"short": "contains"}

    forget: int = 5
    holdout: int = 5
    seed: int = 0
    retain_limit: int | None = 320

    def __post_init__(self) -> None:
        _read.check_whole(self.name, "forget", self.forget, 1)
        _read.check_whole(self.name, "holdout", self.holdout, 1)
        _read.check_whole(self.name, "seed", self.seed, 0)
        if self.retain_limit is not None:
            _read.check_whole(self.name, "retain_limit", self.retain_limit, 1)

    def load(self, path: Path, edition: str) -> Benchmark:
        notes = Notes()
        concepts, files = _concepts(path, notes)
        questions = _questions(path / _FACTS_FILE, sorted(concepts), notes)
        forget, holdout, retain = (
            {concept: concepts[concept] for concept in sorted(names)}
            for names in _read.draw(concepts, [self.forget, self.holdout], self.seed, path)
        )
        rng = np.random.default_rng([self.seed, 1])
        shown, unseen = {}, {}
        for concept, pictures in forget.items():
            if len(pictures) < 2:
                raise DataError(
                    "has one picture; a forgotten concept needs two", file=path / concept
                )
            chosen = int(rng.integers(len(pictures)))
            shown[concept] = pictures[chosen : chosen + 1]
            unseen[concept] = pictures[:chosen] + pictures[chosen + 1 :]

        learn = {"forget": _asked(forget, questions), "retain": _asked(retain, questions)}
        evaluate = {
            "forget": _asked(unseen, questions),
            "retain": _read.capped(learn["retain"], self.retain_limit, self.seed),
            "holdout": _asked(holdout, questions),
            "forget_reworded": _asked(unseen, questions, reworded=True),
        }
        if (path / _FACTS_FILE).exists():
            files.append(path / _FACTS_FILE)
        return Benchmark(
            name=self.name,
            edition=edition,
            data_hash=_read.data_hash(path, files, asdict(self)),
            learn=_read.splits(learn, path),
            unlearn=_read.splits({**learn, "forget": _asked(shown, questions)}, path),
            evaluate=_read.splits(evaluate, path),
            notes=notes.lines,
        )


def _concepts(path: Path, notes: Notes) -> tuple[dict[str, list[Picture]], list[Path]]:
    """The pictures of each concept, and their files; two concepts must not share a picture.

    Scraped folders hold pictures twice and moving ones; those are left out, and noted.
    """
    pictures = Pictures(path)
    found: dict[str, list[Picture]] = {}
    files: list[Path] = []
    owner: dict[str, Path] = {}
    for folder in _folders.entries(path):
        if not folder.is_dir():
            continue
        found[folder.name] = []
        for file in _folders.entries(folder):
            picture = _picture(file, pictures, notes)
            if picture is None:
                continue
            first = owner.setdefault(picture.content, file)
            if first.parent != folder:
                raise DataError(f"is the same picture as {first}", file=file)
            if first != file:
                notes.add("picture", f"left out, being another of {folder.name!r}", file=file)
                continue
            found[folder.name].append(picture)
            files.append(file)
        if not found[folder.name]:
            raise DataError("is a concept without pictures", file=folder)
    if not found:
        raise DataError("has no folders; one folder of pictures per concept is needed", file=path)
    return found, files


def _picture(file: Path, pictures: Pictures, notes: Notes) -> Picture | None:
    """The picture of a file, None where it moves."""
    if file.suffix.lower() not in PICTURE_SUFFIXES or not file.is_file():
        raise DataError(f"is no picture file ({', '.join(PICTURE_SUFFIXES)})", file=file)
    try:
        return pictures.read(file)
    except DataError as error:
        if error.problem != ANIMATED or file.suffix.lower() != ".gif":
            raise
        notes.add("animated GIF", "left out", file=file)
        return None


def _questions(file: Path, concepts: Sequence[str], notes: Notes) -> list[_Question]:
    naming = {c: Place(file.parent, notes, c, "name").text(c.replace("_", " ")) for c in concepts}
    for other in sorted(file.parent.glob("*.json*")):
        if other.name != file.name and not other.name.startswith("."):
            raise DataError(f"is not read; questions stand in {file.name}", file=other)
    if not file.exists():
        return [_Question("name", NAMING, naming)]
    content = _read.read_json(file)
    if not isinstance(content, dict) or set(content) != {"questions", "concepts"}:
        raise DataError("is no object of 'questions' and 'concepts'", file=file)
    for field, value in content.items():
        if not isinstance(value, dict) or not value:
            raise DataError("is no object with entries", file=file, field=field)
    facts = content["concepts"]
    for concept in facts:
        if concept not in naming:
            raise DataError("has no folder of pictures", file=file, row=concept, field="concepts")
    found = []
    for name, wordings in content["questions"].items():
        place = Place(file, notes, name, "questions")
        if not isinstance(wordings, list):
            raise place.error(f"is {type(wordings).__name__}, not a list")
        known = [place.item(number).text(wording) for number, wording in enumerate(wordings)]
        if len(known) < 2:
            raise DataError(
                "needs a wording and a rewording", file=file, row=name, field="questions"
            )
        answers = (
            naming
            if name == "name"
            else {c: _fact(facts, Place(file, notes, c), name) for c in concepts}
        )
        found.append(_Question(name, tuple(known), answers))
    return found


def _fact(facts: Mapping[str, object], place: Place, name: str) -> str:
    known = facts.get(str(place.row))
    if not isinstance(known, dict):
        raise place.at("concepts").error("missing concept")
    return place.at(name).text(known.get(name))


def _asked(
    concepts: Mapping[str, Iterable[Picture]],
    questions: Sequence[_Question],
    *,
    reworded: bool = False,
) -> tuple[Sample, ...]:
    """Every question about every picture; a rewording in turn if `reworded`."""
    wording: Wording = "reworded" if reworded else "original"
    return tuple(
        Sample(
            id=f"{concept}/{picture.name}/{question.name}{'@reworded' if reworded else ''}",
            entity=concept,
            task="short",
            question=question.wordings[
                1 + number % (len(question.wordings) - 1) if reworded else 0
            ],
            answer=question.answers[concept],
            picture=picture,
            wording=wording,
        )
        for concept, pictures in concepts.items()
        for number, picture in enumerate(pictures)
        for question in questions
    )
