"""FIUBench: invented people behind generated faces, with private facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from uqs.benchmarks import _folders, _read, _tables
from uqs.benchmarks._assemble import Entity, assemble, check_drawn, wrong_answers
from uqs.benchmarks._notes import Notes
from uqs.benchmarks._pictures import Pictures
from uqs.benchmarks._place import Place, says_something
from uqs.benchmarks.cards import NONE_STATED, BenchmarkCard
from uqs.errors import DataError
from uqs.records import Benchmark, Picture, Sample, Task

_PEOPLE, _SPLIT = "full.json", "split.json"


@dataclass(frozen=True)
class FIUBench:
    """Loader of a folder with `full.json`, `split.json` and the unpacked pictures of the release.

    `forget` is the forgotten share in percent as `split.json` names it (`forget5`), by default the largest;
    kept are the people of none of its lists, and the holdout is drawn from them. `first` is the number of
    people that are used at all, the first of the file, as in the release's own code. `forget_reworded` asks
    the paraphrases. The schema is that of `gray311/FIUBench` on the Hugging Face hub as its own code reads it
    (data_module.py, in github.com/akashyall34/FIUBench_Reproducing at c5c325a).
    """

    name: ClassVar[str] = "fiubench"
    source: ClassVar[str] = "Ma et al. 2024 (arXiv 2411.03554)"
    tasks: ClassVar[tuple[Task, ...]] = ("generation",)
    judges: ClassVar[Mapping[str, str]] = {"generation": "rouge"}
    card: ClassVar[BenchmarkCard] = BenchmarkCard(
        title="FIUBench",
        paper="arXiv 2411.03554",
        release="gray311/FIUBench on the Hugging Face hub; unpack SFHQ.zip",
        revision="read as github.com/akashyall34/FIUBench_Reproducing at c5c325a reads it",
        licence=NONE_STATED,
        measures="whether private facts about invented people are forgotten, asked by their faces",
        splits="forget, retain, holdout (drawn from retain), forget_reworded",
        sizes={"people": 400},
        problems=(
            "every question is asked by picture: nothing is measured in text alone",
            "answers are sentences: exact match is near 0 for any model",
        ),
    )

    forget: int | None = None
    first: int = 400
    holdout_seed: int = 0
    retain_limit: int | None = 320

    def __post_init__(self) -> None:
        check_drawn(self.name, self.forget, self.holdout_seed, self.retain_limit)
        _read.check_whole(self.name, "first", self.first, 1)

    def load(self, path: Path, edition: str) -> Benchmark:
        root = path if (path / _PEOPLE).is_file() else path / "dataset"
        lists = _lists(root / _SPLIT)
        share = self.forget or max(lists)
        if share not in lists:
            known = ", ".join(map(str, sorted(lists)))
            raise DataError(f"names no forget{share}; shares: {known}", file=root / _SPLIT)
        reader = _Reader(root / _PEOPLE, Notes(), Pictures(root))
        people = reader.people(self.first)
        for id_ in lists[share]:
            if id_ not in people:
                problem = f"{id_!r} is nobody of {_PEOPLE}"
                raise DataError(problem, file=root / _SPLIT, field=f"forget{share}")
        forgotten = dict.fromkeys(lists[share])
        listed = {id_ for ids in lists.values() for id_ in ids}
        if others := listed & set(people) - set(forgotten):
            reader.notes.say(f"not used: {len(others)} people of the other lists of {_SPLIT}")
        for line in self.card.unlike({"people": len(people)}):
            reader.notes.say(line)
        return assemble(
            self.name,
            path,
            edition,
            options=asdict(self),
            files=[root / _PEOPLE, root / _SPLIT, *reader.files],
            notes=reader.notes,
            forget={id_: people[id_] for id_ in forgotten},
            retain={id_: entity for id_, entity in people.items() if id_ not in listed},
            beside={"forget_reworded": [s for i in forgotten for s in reader.reworded.get(i, [])]},
        )


def _lists(file: Path) -> dict[int, list[str]]:
    """The ids of the people of each `forgetN`, by N."""
    content = _read.read_json(file)
    if not isinstance(content, dict):
        raise DataError("is no object of lists of ids", file=file)
    found: dict[int, list[str]] = {}
    for name, ids in content.items():
        share = name.removeprefix("forget")
        if share == name or not share.isdigit():
            continue
        if not isinstance(ids, list) or not ids:
            raise DataError("is no list of ids", file=file, field=name)
        place = Place(file, Notes(), field=name)
        found[int(share)] = [place.item(n).identifier(id_) for n, id_ in enumerate(ids)]
    if not found:
        raise DataError("names no forget5, forget10, ...", file=file)
    return found


class _Reader:
    def __init__(self, file: Path, notes: Notes, pictures: Pictures) -> None:
        self.notes = notes
        self.files: list[Path] = []
        self.reworded: dict[str, list[Sample]] = {}
        self._file, self._pictures = file, pictures

    def people(self, first: int) -> dict[str, Entity]:
        found: dict[str, Entity] = {}
        for row, record in _tables.records(self._file):
            if len(found) == first:
                self.notes.say(f"used are the first {first} people of {_PEOPLE}, as in the release")
                break
            place = Place(self._file, self.notes, row)
            if not isinstance(record, dict):
                raise place.error("is no object")
            id_ = place.at("unique_id").identifier(record.get("unique_id"))
            if id_ in found:
                raise place.at("unique_id").error(f"{id_!r} appears twice")
            shown = self._picture(record, place.at("image_path"))
            samples = list(self._asked(id_, record, shown, place.at("qa_list")))
            if not samples:
                raise place.at("qa_list").error("is empty")
            found[id_] = Entity(samples, samples)
        return found

    def _picture(self, record: Mapping[str, Any], place: Place) -> Picture:
        """The picture of `image_path`, which begins at another folder than the benchmark's."""
        given = place.text(record.get("image_path"))
        parts = PurePosixPath(given.replace("\\", "/")).parts
        for start in range(len(parts)):
            if file := _folders.within(self._file.parent, "/".join(parts[start:])):
                self.files.append(file)
                return self._pictures.read(file)
        raise place.error(f"missing picture: no {given!r} in {self._file.parent}")

    def _asked(
        self, id_: str, record: Mapping[str, Any], shown: Picture, place: Place
    ) -> Iterator[Sample]:
        pairs = record.get("qa_list")
        if not isinstance(pairs, list):
            raise place.error("is empty" if pairs is None else "is no list")
        for number, pair in enumerate(pairs):
            at = place.item(number)
            if not isinstance(pair, dict):
                raise at.error("is no object")
            if not says_something(pair.get("question")) or not says_something(pair.get("answer")):
                at.note("pair", "left out, without question or answer")
                continue
            answer = at.at("answer").text(pair["answer"])
            wrong = wrong_answers(pair.get("perturbed_answer"), answer)
            question = at.at("question").text(pair["question"])
            yield Sample(f"{id_}/{number}", id_, "generation", question, answer, shown, wrong=wrong)
            for n, wording in enumerate(wrong_answers(pair.get("paraphrased_question"), question)):
                self.reworded.setdefault(id_, []).append(
                    Sample(
                        f"{id_}/{number}@reworded{n + 1}",
                        id_,
                        "generation",
                        wording,
                        answer,
                        shown,
                        wording="reworded",
                        wrong=wrong,
                    )
                )
