"""UMU-Bench: people, each fact asked by picture and by name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from uqs.benchmarks import _choices, _folders, _structures, _tables
from uqs.benchmarks._assemble import Entity, assemble, check_drawn, largest_share
from uqs.benchmarks._notes import Notes
from uqs.benchmarks._pictures import Pictures
from uqs.benchmarks._place import Place, says_something
from uqs.benchmarks.cards import NONE_STATED, BenchmarkCard
from uqs.forms import marked
from uqs.records import Benchmark, Picture, Sample, Task

_COLUMNS: Mapping[str, _tables.Kind] = {
    "ID": "id",
    "image": "image",
    **dict.fromkeys(("MM_QA", "UM_QA", "Classify", "Cloze", "Generation"), "text"),
}
_TASKS: Mapping[str, Task] = {
    "Classify": "classification",
    "Cloze": "cloze",
    "Generation": "generation",
}
_BY_PICTURE = {"muitimodal": True, "multimodal": True, "unimodal": False}  # the first as released
_IDS = "of facts and forms"
"""Part of the data's hash: questions are known by their ids, and had others before."""
_REAL = ("Real_Person_Set", "real_person")


@dataclass(frozen=True)
class UMUBench:
    """Loader of the release's folders, one per configuration; options as those of MLLMU-Bench.

    Taught are `MM_QA` (by picture) and `UM_QA` (by name); asked are `Classify`, `Cloze` and `Generation`,
    each fact both ways, by the same key. `real_world` are the real people, if their folder is there. The
    schema is that of `linbojunzi/UMU-bench` as its own code reads it (github.com/QDRhhhh/UMU-bench, eval.py
    and finetune/ft_dataset.py): objects that stand in texts as Python literals.
    """

    name: ClassVar[str] = "umu_bench"
    source: ClassVar[str] = "Wang et al. 2025 (NeurIPS)"
    tasks: ClassVar[tuple[Task, ...]] = ("classification", "generation", "cloze")
    judges: ClassVar[Mapping[str, str]] = {
        "classification": "choice",
        "cloze": "contains",
        "generation": "rouge",
    }
    card: ClassVar[BenchmarkCard] = BenchmarkCard(
        title="UMU-Bench",
        paper="NeurIPS 2025",
        release="linbojunzi/UMU-bench on the Hugging Face hub (also chengyewang/UMU-bench)",
        revision="read as github.com/QDRhhhh/UMU-bench at b8e3fe5 reads it",
        licence=NONE_STATED,
        measures="whether a fact is forgotten by picture and by name alike",
        splits="forget, retain, holdout (drawn from retain), real_world",
        sizes={
            **{f"people of forget_{share}": 5 * share for share in (5, 10, 15)},
            **{f"people of retain_{100 - share}": 5 * (100 - share) for share in (5, 10, 15)},
        },
        problems=(
            "built upon MLLMU-Bench, whose people it may share: the two are not independent",
        ),
    )

    forget: int | None = None
    holdout_seed: int = 0
    retain_limit: int | None = 320

    def __post_init__(self) -> None:
        check_drawn(self.name, self.forget, self.holdout_seed, self.retain_limit)

    def load(self, path: Path, edition: str) -> Benchmark:
        share = self.forget or largest_share(path, r"forget_(\d+)", "folder forget_5, forget_10")
        pictures, notes = Pictures(path), Notes()
        configs = f"forget_{share}", f"retain_{100 - share}"
        real = next((name for name in _REAL if _folders.has_table(path, name)), None)
        forget = _people(path, configs[0], pictures, notes)
        retain = _people(path, configs[1], pictures, notes, forget)
        others = _people(path, real, pictures, notes) if real else {}
        counted = {
            f"people of {config}": len(people)
            for config, people in zip(configs, (forget, retain), strict=True)
        }
        for line in self.card.unlike(counted):
            notes.say(line)
        return assemble(
            self.name,
            path,
            edition,
            options={**asdict(self), "ids": _IDS},
            files=[
                f for c in (*configs, *filter(None, [real])) for f in _folders.table_files(path, c)
            ],
            notes=notes,
            forget=forget,
            retain=retain,
            beside={"real_world": [s for entity in others.values() for s in entity.asked]},
        )


def _people(
    path: Path, config: str, pictures: Pictures, notes: Notes, taken: Collection[str] = ()
) -> dict[str, Entity]:
    """The people of a configuration by ID; those `taken` are forgotten, and must not be here too."""
    found: dict[str, Entity] = {}
    for file in _folders.table_files(path, config):
        for number, values in _tables.rows(file, _COLUMNS):
            place = Place(file, notes, number)
            id_ = place.at("ID").identifier(values["ID"])
            if id_ in found:
                raise place.at("ID").error(f"{id_!r} appears twice")
            if id_ in taken:
                raise place.at("ID").error(f"{id_!r} is forgotten too")
            shown = pictures.given(values["image"], id_, file, number, "image")
            found[id_] = Entity(
                list(_taught(id_, values, shown, place)), list(_asked(id_, values, shown, place))
            )
    return found


def _taught(id_: str, values: Mapping[str, Any], shown: Picture, place: Place) -> Iterator[Sample]:
    """The pairs of MM_QA and UM_QA: an object of questions and one of answers, by the same keys."""
    for field, picture in (("MM_QA", shown), ("UM_QA", None)):
        at = place.at(field)
        pairs = _object(_structures.parsed(at.text(values[field]), at), at)
        asked = _object(pairs.get("question"), at.at("question"))
        answers = _object(pairs.get("answer"), at.at("answer"))
        for key, question in asked.items():
            answer = answers.get(key)
            if not says_something(question) or not says_something(answer):
                at.at(str(key)).note("pair", "left out, without question or answer")
                continue
            yield Sample(
                f"{id_}/{field}[{key}]",
                id_,
                "generation",
                at.at(f"question.{key}").text(question),
                at.at(f"answer.{key}").text(answer),
                picture,
            )


def _asked(id_: str, values: Mapping[str, Any], shown: Picture, place: Place) -> Iterator[Sample]:
    for field, task in _TASKS.items():
        at = place.at(field)
        for mode, questions in _object(_structures.parsed(at.text(values[field]), at), at).items():
            if mode not in _BY_PICTURE:
                raise at.error(f"{mode!r} is none of {', '.join(_BY_PICTURE)}")
            for key, item in _object(questions, at.at(mode)).items():
                here = at.at(mode).at(str(key))
                known = _object(item, here)
                if not says_something(known.get("question")) or not says_something(
                    known.get("answer")
                ):
                    here.note("question", "left out, blank or unanswered")
                    continue
                options: tuple[str, ...] = ()
                if task == "classification":
                    options = _choices.options(known.get("options"), here.at("options"))
                answer = here.at("answer")
                yield Sample(
                    marked(f"{id_}/{field}.{key}", "picture" if _BY_PICTURE[mode] else "text"),
                    id_,
                    task,
                    here.at("question").text(known["question"]),
                    _choices.letter(known["answer"], options, answer)
                    if options
                    else answer.text(known["answer"]),
                    shown if _BY_PICTURE[mode] else None,
                    options,
                )


def _object(value: object, place: Place) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise place.error("is empty" if value is None else f"is {type(value).__name__}, no object")
    return value
