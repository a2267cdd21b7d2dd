"""MLLMU-Bench: people, asked about by picture and by name, as choices, cloze and open questions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import ClassVar

from uqs.benchmarks import _read
from uqs.benchmarks._mllmu_files import Pair, Person, files, pairs, people
from uqs.errors import DataError
from uqs.records import LETTERS, Benchmark, Sample, Task

_OPTION_LINE = re.compile(r"\(?([A-Z])[.):]\s*(.+)")
_LIKE_AN_OPTION = re.compile(r"\s*\W?[A-Za-z]\W.*")


@dataclass(frozen=True)
class MLLMUBench:
    """Loader of the release's folders, one per configuration; `forget` is the forgotten share in percent,
    by default the largest for which there is a folder.

    As many people as are forgotten are drawn out of the retain configuration, by `holdout_seed`, and no
    model trains on them. `retain_limit` caps the evaluated retain questions. Splits beside the three:
    `forget_reworded` (Test_Set's questions with the known picture), `forget_views` (the evaluated
    questions with Test_Set's pictures), `real_world` (Retain_Set).
    """

    name: ClassVar[str] = "mllmu_bench"
    source: ClassVar[str] = "Liu et al. 2024 (arXiv 2410.22108)"
    tasks: ClassVar[tuple[Task, ...]] = ("classification", "generation", "cloze")
    judges: ClassVar[Mapping[str, str]] = {
        "classification": "choice",
        "cloze": "contains",
        "generation": "rouge",
    }

    forget: int | None = None
    holdout_seed: int = 0
    retain_limit: int | None = 320

    def __post_init__(self) -> None:
        if self.forget is not None:
            _read.check_whole(self.name, "forget", self.forget, 1)
        _read.check_whole(self.name, "holdout_seed", self.holdout_seed, 0)
        if self.retain_limit is not None:
            _read.check_whole(self.name, "retain_limit", self.retain_limit, 1)

    def load(self, path: Path, edition: str) -> Benchmark:
        share = _largest_share(path) if self.forget is None else self.forget
        folders = [
            path / config
            for config in (
                f"forget_{share}",
                f"retain_{100 - share}",
                "Test_Set",
                "Retain_Set",
                "ft_Data",
            )
        ]
        pictures = _read.Pictures()
        forgotten = people(folders[0], "image", pictures)
        kept = people(folders[1], "image", pictures)
        tested = people(folders[2], "images", pictures)
        others = people(folders[3], "image", pictures)
        for person in kept.values():
            if person.id in forgotten:
                raise person.error("ID", f"{person.id!r} is in {folders[0].name} too")
        for person in forgotten.values():
            if person.id not in tested:
                raise person.error("ID", f"{person.id!r} has no row in Test_Set")
        for person in forgotten.values():
            if person.pictures[0].data in {p.data for p in tested[person.id].pictures}:
                problem = f"holds the picture of {person.id!r} that models learn, no other view"
                raise tested[person.id].error("images", problem)
        _refuse_trained(others.values(), {**forgotten, **kept})
        taught = pairs(folders[4], [*forgotten.values(), *kept.values()], pictures)
        for person in tested.values():
            shown = {pair.picture.data for pair in taught.get(person.id, ()) if pair.picture}
            if shown & {picture.data for picture in person.pictures}:
                problem = f"holds a picture of {person.id!r} that models learn"
                raise person.error("images", problem)

        held, trained = _read.draw(kept, [len(forgotten)], self.holdout_seed, path)
        forget = list(forgotten.values())
        holdout = [kept[id_] for id_ in kept if id_ in held]
        retain = [kept[id_] for id_ in kept if id_ in trained]
        learn = {
            "forget": [lesson for person in forget for lesson in _lessons(person, taught)],
            "retain": [lesson for person in retain for lesson in _lessons(person, taught)],
        }
        evaluate = {
            "forget": _questions(forget),
            "retain": _read.capped(_questions(retain), self.retain_limit, self.holdout_seed),
            "holdout": _questions(holdout),
            "forget_reworded": [s for p in forget for s in _reworded(p, tested[p.id])],
            "forget_views": [s for p in forget for s in _views(p, tested[p.id])],
            "real_world": _questions(others.values()),
        }
        learned = _read.splits(learn, path)
        return Benchmark(
            name=self.name,
            edition=edition,
            data_hash=_read.data_hash(
                path, [file for folder in folders for file in files(folder)], asdict(self)
            ),
            learn=learned,
            unlearn=learned,
            evaluate=_read.splits(evaluate, path),
        )


def _largest_share(path: Path) -> int:
    """The largest n for which there is a folder forget_n."""
    found = [
        int(match[1])
        for folder in path.iterdir()
        if (match := re.fullmatch(r"forget_(\d+)", folder.name)) and folder.is_dir()
    ]
    if not found:
        raise DataError("has no folder forget_5, forget_10, ...", file=path)
    return max(found)


def _refuse_trained(others: Iterable[Person], trained: Mapping[str, Person]) -> None:
    """DataError where somebody of Retain_Set, people whom the models know from elsewhere, is trained on."""
    shown = {person.pictures[0].data: person for person in trained.values()}
    for person in others:
        same = shown.get(person.pictures[0].data) or trained.get(person.id)
        if same and (same.pictures[0].data == person.pictures[0].data or _same(same, person)):
            place = same.file.parent.name
            raise person.error("ID", f"{person.id!r} is {same.id!r} of {place}, whom models learn")


def _same(first: Person, second: Person) -> bool:
    """Whether two rows ask the same questions with the same answers."""
    return all(
        (a.question, a.answer, a.options) == (b.question, b.answer, b.options)
        for a, b in zip_longest(first.questions, second.questions, fillvalue=first.questions[0])
    )


def _questions(people: Iterable[Person]) -> list[Sample]:
    return [sample for person in people for sample in person.questions]


def _reworded(known: Person, tested: Person) -> Iterator[Sample]:
    """Test_Set's questions about a person, with the picture that the models know."""
    for sample in tested.questions:
        yield replace(
            sample,
            id=f"{sample.id}@reworded",
            picture=known.pictures[0] if sample.picture else None,
            wording="reworded",
        )


def _views(known: Person, tested: Person) -> Iterator[Sample]:
    """The evaluated picture questions about a person, with each of Test_Set's pictures."""
    for number, picture in enumerate(tested.pictures, start=1):
        for sample in known.questions:
            if sample.picture:
                yield replace(sample, id=f"{sample.id}@view{number}", picture=picture)


def _lessons(person: Person, taught: Mapping[str, Sequence[Pair]]) -> Iterator[Sample]:
    """A person's training samples; what is evaluated without a picture is also learned without one."""
    unpictured = {sample.question for sample in person.questions if sample.picture is None}
    for number, pair in enumerate(taught[person.id]):
        question, options = _split_options(pair)
        if not options and _looks_like_a_choice(pair):
            raise DataError(
                f"{person.id!r}: the answer {pair.answer!r} is a letter, and the options of "
                f"{question.splitlines()[0]!r} cannot be read; write them as 'A. ...', a line each",
                file=person.file.parents[1] / "ft_Data",
                field="metadata",
            )
        task: Task = (
            "classification" if options else "cloze" if "[Blank]" in question else "generation"
        )
        yield Sample(
            id=f"{person.id}/ft_Data[{number}]",
            entity=person.id,
            task=task,
            question=question,
            answer=pair.answer,
            picture=None if question in unpictured else pair.picture,
            options=options,
        )


def _looks_like_a_choice(pair: Pair) -> bool:
    lines = pair.question.split("\n")[1:]
    return pair.answer in LETTERS and sum(map(bool, map(_LIKE_AN_OPTION.fullmatch, lines))) > 1


def _split_options(pair: Pair) -> tuple[str, tuple[str, ...]]:
    """The question and its options, where it is written as a choice with a letter for an answer."""
    question, *lines = pair.question.split("\n")
    found = [match for line in lines if (match := _OPTION_LINE.fullmatch(line))]
    letters = [match[1] for match in found]
    if len(found) < 2 or letters != list(LETTERS[: len(lines)]) or pair.answer not in letters:
        return pair.question, ()
    return question, tuple(match[2] for match in found)
