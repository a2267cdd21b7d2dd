"""A benchmark of one's own: a file of questions, and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, get_args

from uqs.benchmarks import _choices, _folders, _read, _tables
from uqs.benchmarks._notes import Notes
from uqs.benchmarks._pictures import Pictures
from uqs.benchmarks._place import Place
from uqs.benchmarks.cards import BenchmarkCard
from uqs.errors import DataError
from uqs.judging.rules import check_all
from uqs.records import Benchmark, Picture, Sample, Task

_FILE = "samples"
_JUDGES = "judges.json"
_PARTS = ("forget", "retain", "holdout", "real_world")
_NEEDED: Mapping[str, _tables.Kind] = {
    "entity": "id",
    "part": "text",
    "question": "text",
    "answer": "text",
}
_OPTIONAL: Mapping[str, _tables.Kind] = {
    "id": "id",
    "picture": "image",
    "options": ["text"],
    "task": "text",
    "reworded": ["text"],
    "wrong": ["text"],
}


@dataclass(frozen=True)
class Own:
    """Loader of `samples.jsonl` (or .json, .parquet), one question a line, with the pictures that it names.

    Fields: `entity`, `part` (forget, retain, holdout or real_world), `question`, `answer`; optional: `id`,
    `picture` (a path in the folder), `options` (a list; the answer is then a letter or one of them), `task`
    (short, generation, cloze), `reworded` (other wordings, asked of forgotten entities in `forget_reworded`),
    `wrong` (plausible wrong answers). The questions of forget and retain are taught as they are asked. A file
    `judges.json` may name the rule for each task (docs/judges.md); other tasks are judged strictly.
    """

    name: ClassVar[str] = "own"
    source: ClassVar[str] = "the user"
    tasks: ClassVar[tuple[Task, ...]] = get_args(Task)
    card: ClassVar[BenchmarkCard] = BenchmarkCard(
        title="a benchmark of your own",
        paper="docs/adding_a_benchmark.md",
        release="your folder",
        revision="",
        licence="yours",
        measures="what its questions ask",
        splits="forget, retain, holdout, and if given forget_reworded, real_world",
    )

    seed: int = 0
    retain_limit: int | None = 320

    def __post_init__(self) -> None:
        _read.check_whole(self.name, "seed", self.seed, 0)
        if self.retain_limit is not None:
            _read.check_whole(self.name, "retain_limit", self.retain_limit, 1)

    @staticmethod
    def judges_in(path: Path) -> Mapping[str, str]:
        """The rules that a folder names for its tasks, none without `judges.json`; DataError for bad ones."""
        file = path / _JUDGES
        if not file.is_file():
            return {}
        found = _read.read_json(file)
        if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
            raise DataError('must hold a rule for each task, {"short": "contains"}', file=file)
        try:
            check_all(found)
        except ValueError as error:
            raise DataError(str(error), file=file) from None
        return found

    def load(self, path: Path, edition: str) -> Benchmark:
        if not _folders.has_table(path, _FILE):
            raise DataError(f"has no {_FILE}.jsonl (nor .json, .parquet)", file=path)
        files, notes = _folders.table_files(path, _FILE), Notes()
        reader = _Reader(path, Pictures(path), notes)
        for file in files:
            for number, values in _tables.rows(file, _NEEDED, optional=_OPTIONAL):
                reader.take(Place(file, notes, number), values)
        parts, file = reader.parts, files[0]
        learn = _read.splits({name: parts[name] for name in ("forget", "retain")}, file)
        evaluate = {
            **parts,
            "retain": _read.capped(parts["retain"], self.retain_limit, self.seed),
            "forget_reworded": reader.reworded,
        }
        kept = {k: v for k, v in evaluate.items() if v or k in _PARTS[:3]}
        return Benchmark(
            name=self.name,
            edition=edition,
            data_hash=_read.data_hash(path, [*files, *reader.files], asdict(self)),
            learn=learn,
            unlearn=learn,
            evaluate=_read.splits(kept, file),
            notes=notes.lines,
        )


class _Reader:
    def __init__(self, root: Path, pictures: Pictures, notes: Notes) -> None:
        self.parts: dict[str, list[Sample]] = {part: [] for part in _PARTS}
        self.reworded: list[Sample] = []
        self.files: set[Path] = set()
        self._root, self._pictures = root, pictures
        self._entities: dict[str, str] = {}

    def take(self, place: Place, values: Mapping[str, Any]) -> None:
        """Read one line."""
        part = place.at("part").text(values["part"])
        if part not in self.parts:
            raise place.at("part").error(f"{part!r} is none of {', '.join(_PARTS)}")
        sample = self._sample(place, values)
        if (first := self._entities.setdefault(sample.entity, part)) != part:
            raise place.at("entity").error(f"{sample.entity!r} is in {first} too")
        self.parts[part].append(sample)
        for number, wording in self._wordings(place.at("reworded"), values.get("reworded")):
            if part == "forget":
                self.reworded.append(
                    Sample(
                        f"{sample.id}@reworded{number}",
                        sample.entity,
                        sample.task,
                        wording,
                        sample.answer,
                        sample.picture,
                        sample.options,
                        "reworded",
                        sample.wrong,
                    )
                )

    def _sample(self, place: Place, values: Mapping[str, Any]) -> Sample:
        given = values.get("options")
        options = _choices.options(given, place.at("options")) if given else ()
        answer = place.at("answer").text(values["answer"])
        try:
            return Sample(
                id=self._id(place, values.get("id")),
                entity=place.at("entity").identifier(values["entity"]),
                task=self._task(place.at("task"), values.get("task"), bool(options)),
                question=place.at("question").text(values["question"]),
                answer=_choices.letter(answer, options, place.at("answer")) if options else answer,
                picture=self._picture(place.at("picture"), values.get("picture")),
                options=options,
                wrong=tuple(
                    place.at("wrong").item(n).text(word)
                    for n, word in enumerate(values.get("wrong") or [])
                ),
            )
        except ValueError as error:  # what a sample refuses
            raise place.error(str(error)) from None

    @staticmethod
    def _id(place: Place, given: object) -> str:
        return f"{place.row}" if given is None else place.at("id").identifier(given)

    @staticmethod
    def _task(place: Place, given: object, choice: bool) -> Task:
        if given is None:
            return "classification" if choice else "short"
        for task in get_args(Task):
            if given == task and (task == "classification") == choice:
                found: Task = task
                return found
        if given in get_args(Task):
            raise place.error(f"{given!r} {'cannot have' if choice else 'needs'} options")
        raise place.error(f"{given!r} is none of {', '.join(get_args(Task))}")

    def _picture(self, place: Place, given: object) -> Picture | None:
        if given is None:
            return None
        if isinstance(given, str) and (file := _folders.within(self._root, given)):
            self.files.add(file)
        name = given if isinstance(given, str) else f"{place.row}"
        return self._pictures.given(given, name, place.file, place.row, place.field)

    @staticmethod
    def _wordings(place: Place, given: list[Any] | None) -> Iterator[tuple[int, str]]:
        for number, wording in enumerate(given or []):
            yield number + 1, place.item(number).text(wording)
