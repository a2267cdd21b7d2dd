"""MLLMU-Bench: people, asked about by picture and by name, as choices, cloze and open questions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import ClassVar

from uqs.benchmarks import _mllmu_lessons, _read
from uqs.benchmarks._assemble import check_drawn, largest_share
from uqs.benchmarks._mllmu_files import Person, Source, people
from uqs.benchmarks._notes import Notes
from uqs.benchmarks._pictures import Pictures
from uqs.benchmarks.cards import NONE_STATED, BenchmarkCard
from uqs.benchmarks.in_forms import asked_in, in_forms
from uqs.errors import UserError
from uqs.forms import FORMS, Form
from uqs.records import Benchmark, Layout, Sample, Task


@dataclass(frozen=True)
class MLLMUBench:
    """Loader of the release's folders, one per configuration; `forget` is the forgotten share in percent,
    by default the largest for which there is a folder.

    As many people as are forgotten are drawn out of the retain configuration, by `holdout_seed`, and no
    model trains on them. `retain_limit` caps the evaluated retain questions. Splits beside the three:
    `forget_reworded` (Test_Set's questions with the known picture), `forget_views` (the evaluated
    questions with Test_Set's pictures), `real_world` (Retain_Set).

    `forget_by` has every fact taught and asked by picture, by name and by both, and forgotten in the form
    that it names (`in_forms`); with `ask_by` only one form is asked.
    """

    name: ClassVar[str] = "mllmu_bench"
    source: ClassVar[str] = "Liu et al. 2024 (arXiv 2410.22108)"
    tasks: ClassVar[tuple[Task, ...]] = ("classification", "generation", "cloze")
    card: ClassVar[BenchmarkCard] = BenchmarkCard(
        title="MLLMU-Bench",
        paper="arXiv 2410.22108",
        release="MLLMMU/MLLMU-Bench on the Hugging Face hub",
        revision="read as github.com/franciscoliu/oct_arr_mllmu_bench at 378aeda reads it",
        licence=NONE_STATED,
        measures="whether facts about people are forgotten, asked by picture and by name",
        splits="forget, retain, holdout (drawn from retain), forget_reworded, forget_views, real_world",
        sizes={
            **{f"people of forget_{share}": 5 * share for share in (5, 10, 15)},
            **{f"people of retain_{100 - share}": 5 * (100 - share) for share in (5, 10, 15)},
            "people of Retain_Set": 153,
        },
        problems=(
            "originals as released answer few of the choices by picture "
            "(github.com/franciscoliu/MLLMU-Bench, issues 2 and 11)",
            "the 153 of Retain_Set are real people, whom the base may or may not know",
        ),
    )
    judges: ClassVar[Mapping[str, str]] = {
        "classification": "choice",
        "cloze": "contains",
        "generation": "rouge",
    }
    prompts: ClassVar[Mapping[Task, Layout]] = {  # eval.py of the paper's repository at 0e3098e
        "classification": Layout(
            "{question}\n{options}\nJust give ONE letter representing the answer directly.",
            option="{letter}: {option}",
        ),
        "cloze": Layout(
            "{question}\nPlease **ONLY** provide the correct answer that should replace the [Blank].",
            blank="[Blank]",
        ),
        "generation": Layout(
            "{question}\nAnswer the question based on your trained knowledge in one sentence accurately in "
            "ENGLISH."
        ),
    }

    forget: int | None = None
    holdout_seed: int = 0
    retain_limit: int | None = 320
    forget_by: Form | None = None
    ask_by: Form | None = None

    def __post_init__(self) -> None:
        check_drawn(self.name, self.forget, self.holdout_seed, self.retain_limit)
        for field in ("forget_by", "ask_by"):
            _read.check_word(self.name, field, getattr(self, field), FORMS)
        if self.ask_by and not self.forget_by:
            raise UserError(f"{self.name}: ask_by={self.ask_by} needs forget_by")

    def load(self, path: Path, edition: str) -> Benchmark:
        data = self._released(path, edition)
        if self.forget_by is not None:
            data = in_forms(data, self.forget_by)
        return data if self.ask_by is None else asked_in(data, self.ask_by)

    def _released(self, path: Path, edition: str) -> Benchmark:
        """The benchmark as it is released."""
        share = self.forget or largest_share(path, r"forget_(\d+)", "folder forget_5, forget_10")
        configs = f"forget_{share}", f"retain_{100 - share}"
        source = Source(path, Pictures(path), Notes())
        forgotten = people(source, configs[0])
        kept = people(source, configs[1])
        tested = people(source, "Test_Set", "images", only=forgotten)
        others = people(source, "Retain_Set")
        _refuse_shared(forgotten, kept, tested, configs[0])
        _refuse_trained(others.values(), {**forgotten, **kept})
        taught = _mllmu_lessons.pairs(source, [*forgotten.values(), *kept.values()])
        for person in tested.values():
            shown = {pair.picture.content for pair in taught[person.id] if pair.picture}
            if shown & {picture.content for picture in person.pictures}:
                problem = f"holds a picture of {person.id!r} that models learn"
                raise person.error("images", problem)

        numbers = {configs[0]: forgotten, configs[1]: kept, "Retain_Set": others}
        counted = {f"people of {config}": len(found) for config, found in numbers.items()}
        unlike = self.card.unlike(counted) if edition != _read.EMBEDDED else []
        held, trained = _read.draw(kept, [len(forgotten)], self.holdout_seed, path)
        forget = list(forgotten.values())
        holdout = [kept[id_] for id_ in kept if id_ in held]
        retain = [kept[id_] for id_ in kept if id_ in trained]
        learn = {
            name: [s for p in part for s in _mllmu_lessons.lessons(source, p, taught[p.id])]
            for name, part in (("forget", forget), ("retain", retain))
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
                path,
                [
                    file
                    for config in (*configs, "Test_Set", "Retain_Set", _mllmu_lessons.CONFIG)
                    for file in source.files(config)
                ],
                {k: v for k, v in asdict(self).items() if k not in ("forget_by", "ask_by")},
            ),
            learn=learned,
            unlearn=learned,
            evaluate=_read.splits(evaluate, path),
            notes=(*source.notes.lines, *unlike),
        )


def _refuse_shared(
    forgotten: Mapping[str, Person],
    kept: Mapping[str, Person],
    tested: Mapping[str, Person],
    config: str,
) -> None:
    """DataError where somebody is forgotten and kept, or has no other picture to be tested on."""
    for person in kept.values():
        if person.id in forgotten:
            raise person.error("ID", f"{person.id!r} is in {config} too")
    for person in forgotten.values():
        if person.id not in tested:
            raise person.error("ID", f"{person.id!r} has no row in Test_Set")
        if person.pictures[0].content in {p.content for p in tested[person.id].pictures}:
            problem = f"holds the picture of {person.id!r} that models learn, no other view"
            raise tested[person.id].error("images", problem)


def _refuse_trained(others: Iterable[Person], trained: Mapping[str, Person]) -> None:
    """DataError where somebody of Retain_Set, people whom the models know from elsewhere, is trained on."""
    shown = {person.pictures[0].content: person for person in trained.values()}
    for person in others:
        same = shown.get(person.pictures[0].content) or trained.get(person.id)
        if same and (same.pictures[0].content == person.pictures[0].content or _same(same, person)):
            place = same.place.file.parent.name
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
