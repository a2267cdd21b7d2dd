"""MMUBench: concepts with many pictures each; one picture is unlearned, the others test generality."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from uqs.benchmarks import _read
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
        concepts = _concepts(path)
        questions = _questions(path / _FACTS_FILE, sorted(concepts))
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
        files = [file for concept in concepts for file in _picture_files(path / concept)]
        if (path / _FACTS_FILE).exists():
            files.append(path / _FACTS_FILE)
        return Benchmark(
            name=self.name,
            edition=edition,
            data_hash=_read.data_hash(path, files, asdict(self)),
            learn=_read.splits(learn, path),
            unlearn=_read.splits({**learn, "forget": _asked(shown, questions)}, path),
            evaluate=_read.splits(evaluate, path),
        )


def _picture_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if not file.name.startswith("."))


def _concepts(path: Path) -> dict[str, list[Picture]]:
    """The pictures of each concept; two concepts must not share one."""
    pictures = _read.Pictures()
    found: dict[str, list[Picture]] = {}
    owner: dict[bytes, Path] = {}
    for folder in sorted(item for item in path.iterdir() if item.is_dir()):
        if folder.name.startswith("."):
            continue
        files = _picture_files(folder)
        if not files:
            raise DataError("is a concept without pictures", file=folder)
        found[folder.name] = []
        for file in files:
            if file.suffix.lower() not in _read.PICTURE_SUFFIXES:
                kinds = ", ".join(_read.PICTURE_SUFFIXES)
                raise DataError(f"is no picture file ({kinds})", file=file)
            picture = pictures.read(file)
            if picture.data in owner:
                raise DataError(f"is the same picture as {owner[picture.data]}", file=file)
            owner[picture.data] = file
            found[folder.name].append(picture)
    if not found:
        raise DataError("has no folders; one folder of pictures per concept is needed", file=path)
    return found


def _questions(file: Path, concepts: Sequence[str]) -> list[_Question]:
    naming = {c: _read.text(c.replace("_", " "), file.parent, c, "name") for c in concepts}
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
        known = _read.texts(wordings, file, name, "questions")
        if len(known) < 2:
            raise DataError(
                "needs a wording and a rewording", file=file, row=name, field="questions"
            )
        answers = naming if name == "name" else {c: _fact(facts, c, name, file) for c in concepts}
        found.append(_Question(name, tuple(known), answers))
    return found


def _fact(facts: Mapping[str, object], concept: str, name: str, file: Path) -> str:
    known = facts.get(concept)
    if not isinstance(known, dict):
        raise DataError("missing concept", file=file, row=concept, field="concepts")
    return _read.text(known.get(name), file, concept, name)


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
