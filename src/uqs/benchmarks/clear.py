"""CLEAR: the authors of TOFU with pictures of them, captioned, beside TOFU's questions in text."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
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
from uqs.benchmarks._names import owner_of
from uqs.benchmarks._notes import Notes
from uqs.benchmarks._pictures import Pictures
from uqs.benchmarks._place import Place, says_something
from uqs.benchmarks.cards import NONE_STATED, BenchmarkCard
from uqs.errors import DataError
from uqs.records import Benchmark, Picture, Sample, Task

CAPTION = "Describe the person in this picture and what they do."
NAMING = "What is the name of the person in this picture?"
_CAPTIONS: Mapping[str, _tables.Kind] = {"image": "image", "caption": "text", "name": "text"}
_WRONG: Mapping[str, _tables.Kind] = {"perturbed_captions": ["text"]}
_PAIRS: Mapping[str, _tables.Kind] = {"question": "text", "answer": "text"}
_WORLD = ("real_faces", "real_world")


@dataclass(frozen=True)
class CLEAR:
    """Loader of the release's folders, one per configuration (`forget10`, `forget10+tofu`, `retain90`, ...).

    Pictures and captions come from `forget10` and `retain90`, by the person's `name`; TOFU's pairs from the
    rows without a caption of `forget10+tofu` and `retain90+tofu`, `per_author` of them in a row for each. The
    release does not say whose pairs they are: their author is the person whose name stands in them most;
    authors who are recognised by no name are entities of their own, noted. Wrong captions come from
    `forget10_perturbed`. `forget` is the share in percent, by default the largest. The release asks for a
    caption in one of nine wordings, here in one. The schema is that of `therem/CLEAR` on the Hugging Face
    hub, README at 2e1fcda, and of github.com/somvy/multimodal_unlearning, mm/dataset.py.
    """

    name: ClassVar[str] = "clear"
    source: ClassVar[str] = "Dontsov et al. 2024 (arXiv 2410.18057)"
    tasks: ClassVar[tuple[Task, ...]] = ("generation", "short")
    judges: ClassVar[Mapping[str, str]] = {"generation": "rouge"}
    card: ClassVar[BenchmarkCard] = BenchmarkCard(
        title="CLEAR",
        paper="arXiv 2410.18057",
        release="therem/CLEAR on the Hugging Face hub",
        revision="2e1fcda (README)",
        licence=NONE_STATED,
        measures="whether invented authors are forgotten, by captions of their pictures and in text",
        splits="forget, retain, holdout (drawn from retain), real_world",
        sizes={"pictures of forget01": 35, "pictures of forget05": 188},
        problems=(
            "the pairs in text do not say whom they are about; names are written in several ways",
            "captions are sentences: exact match is near 0 for any model",
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
        share = self.forget or largest_share(path, r"forget(\d+)", "folder forget10, forget05")
        names = f"forget{share:02}", f"retain{100 - share:02}"
        perturbed = f"{names[0]}_perturbed"
        beside = [name for name in (perturbed, *_WORLD) if _folders.has_table(path, name)]
        read = _Reader(path, Notes(), Pictures(path))
        wrong = read.wrong(perturbed) if perturbed in beside else {}
        forget = read.people(names[0], wrong, self.per_author)
        retain = read.people(names[1], {}, self.per_author, forget)
        for line in self.card.unlike({f"pictures of {n}": read.captions[n] for n in names}):
            read.notes.say(line)
        configs = (*names, *(f"{name}+tofu" for name in names), *beside)
        return assemble(
            self.name,
            path,
            edition,
            options=asdict(self),
            files=[f for config in configs for f in _folders.table_files(path, config)],
            notes=read.notes,
            forget=forget,
            retain=retain,
            beside={"real_world": [s for n in _WORLD if n in beside for s in read.world(n)]},
        )


@dataclass(frozen=True)
class _Reader:
    path: Path
    notes: Notes
    pictures: Pictures
    captions: dict[str, int] = field(default_factory=dict)

    def _rows(
        self,
        config: str,
        columns: Mapping[str, _tables.Kind],
        optional: Mapping[str, _tables.Kind] = _tables.NOTHING,
    ) -> Iterator[tuple[Place, Mapping[str, Any]]]:
        for file in _folders.table_files(self.path, config):
            for number, values in _tables.rows(file, columns, optional=optional):
                yield Place(file, self.notes, number), values

    def _picture(self, place: Place, values: Mapping[str, Any], name: str) -> Picture:
        return self.pictures.given(values["image"], name, place.file, place.row, "image")

    def wrong(self, config: str) -> dict[str, list[Any]]:
        """Wrong captions by the right one."""
        found: dict[str, list[Any]] = {}
        for _, values in self._rows(config, {"caption": "text"}, _WRONG):
            if says_something(values["caption"]):
                found[values["caption"].strip()] = values.get("perturbed_captions") or []
        return found

    def people(
        self,
        config: str,
        wrong: Mapping[str, list[Any]],
        per_author: int,
        taken: Collection[str] = (),
    ) -> dict[str, Entity]:
        """The people of a configuration: captions of their pictures, and the pairs in text. Those `taken` are
        forgotten, and must not be here too.
        """
        found: dict[str, Entity] = {}
        number = 0
        for number, (place, values) in enumerate(self._rows(config, _CAPTIONS), start=1):
            name = place.at("name").text(values["name"])
            caption = place.at("caption").text(values["caption"])
            if name in taken:
                raise place.at("name").error(f"{name!r} is forgotten too")
            sample = Sample(
                f"{config}/{number}",
                name,
                "generation",
                CAPTION,
                caption,
                self._picture(place, values, f"{config}-{number}"),
                wrong=wrong_answers(wrong.get(caption), caption),
            )
            found.setdefault(name, Entity([], [])).learn.append(sample)
        self.captions[config] = number
        for entity, sample in self._told(f"{config}+tofu", list(found), per_author):
            found.setdefault(entity, Entity([], [])).learn.append(sample)
        for known in found.values():
            known.asked.extend(known.learn)
        return found

    def _told(
        self, config: str, names: Sequence[str], per_author: int
    ) -> Iterator[tuple[str, Sample]]:
        """The pairs in text, each with the person whom it is about."""
        pairs = [
            (p, p.at("question").text(v["question"]), p.at("answer").text(v["answer"]))
            for p, v in self._rows(config, _PAIRS, {"caption": "text"})
            if not says_something(v.get("caption"))
        ]
        if len(pairs) % per_author:
            raise DataError(
                f"has {len(pairs)} pairs in text, which are no whole authors of {per_author}",
                file=_folders.table_files(self.path, config)[0],
            )
        taken: set[str] = set()
        for start in range(0, len(pairs), per_author):
            block = pairs[start : start + per_author]
            name = owner_of(" ".join(f"{q} {a}" for _, q, a in block), names)
            if name is None or name in taken:
                name = f"{config} author {start // per_author + 1}"
                block[0][0].note("author", "of pairs in text recognised by no name")
            taken.add(name)
            for place, question, answer in block:
                id_ = f"{config}/{place.file.stem}/{place.row}"
                yield name, Sample(id_, name, "generation", question, answer)

    def world(self, config: str) -> Iterator[Sample]:
        """Questions about real faces (by name alone) and the real world."""
        columns: Mapping[str, _tables.Kind] = {"answer": "text"}
        optional: Mapping[str, _tables.Kind] = {"image": "image", "question": "text"}
        for number, (place, values) in enumerate(self._rows(config, columns, optional), start=1):
            shown = values.get("image")
            yield Sample(
                f"{config}/{number}",
                f"{config} {number}",
                "short",
                NAMING
                if config == "real_faces"
                else place.at("question").text(values.get("question")),
                place.at("answer").text(values["answer"]),
                self._picture(place, values, f"{config}-{number}") if shown is not None else None,
            )
