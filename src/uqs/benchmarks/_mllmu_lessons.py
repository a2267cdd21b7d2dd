"""ft_Data of MLLMU-Bench: what its models are taught about each person.

A row is a picture and its `metadata`, a list of pairs. The release's own code (data_process in
github.com/franciscoliu/MLLMU-Bench) reads `Question` and `Answer` of a pair, passes over pairs in which one
is missing, and leaves out `Additional_question` and `Additional_answer`; so it is here, and noted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from uqs.benchmarks import _structures, _tables
from uqs.benchmarks._mllmu_files import Person, Source
from uqs.benchmarks._place import Place, says_something
from uqs.benchmarks._tables import Kind
from uqs.errors import DataError
from uqs.records import LETTERS, Picture, Sample, Task

CONFIG = "ft_Data"
_COLUMNS: Mapping[str, Kind] = {"image": "image", "metadata": "text"}
_ADDITIONAL = ("Additional_question", "Additional_answer")
_BLANK = re.compile(r"\[blank\]|_{2,}", re.IGNORECASE)
_OPTION_LINE = re.compile(r"\(?([A-Z])[.):]\s*(.+)")
_LIKE_AN_OPTION = re.compile(r"\s*\W?[A-Za-z]\W.*")


@dataclass(frozen=True)
class Pair:
    """A question and its answer, and the picture of their row if it has one."""

    question: str
    answer: str
    picture: Picture | None


def pairs(source: Source, people: Sequence[Person]) -> dict[str, list[Pair]]:
    """The pairs by person.

    Whose row it is, its column `ID` says or, without one, the `ID` of its pairs; without either, its picture.
    With an ID a person may have several rows, each with a picture of its own or with none.
    """
    owners = _Owners.of(people)
    taught: dict[str, list[Pair]] = {}
    for file in source.files(CONFIG):
        for number, values in _tables.rows(file, _COLUMNS, optional={"ID": "id"}):
            row = _Row(Place(file, source.notes, number), values, source, owners)
            given = row.metadata()
            id_, shown = row.owner(given)
            taught.setdefault(id_, []).extend(row.pairs(given, shown))
    for person in people:
        if not taught.get(person.id):
            raise person.error("image", f"{person.id!r} has no row in {CONFIG}")
    return taught


@dataclass(frozen=True)
class _Owners:
    """Who is shown by which picture, by what is seen in it."""

    ids: frozenset[str]
    by_content: Mapping[str, Person]

    @classmethod
    def of(cls, people: Sequence[Person]) -> _Owners:
        owner: dict[str, Person] = {}
        for person in people:
            if (seen := person.pictures[0].content) in owner:
                problem = f"is the same picture as that of {owner[seen].id!r}"
                raise person.error("image", problem)
            owner[seen] = person
        return cls(frozenset(person.id for person in people), owner)


@dataclass(frozen=True)
class _Row:
    place: Place
    values: Mapping[str, Any]
    source: Source
    owners: _Owners

    def metadata(self) -> list[tuple[Mapping[str, Any], Place]]:
        place = self.place.at("metadata")
        found = _structures.parsed(place.text(self.values["metadata"]), place)
        if not isinstance(found, list) or not found:
            raise place.error("is no list of questions and answers")
        for number, item in enumerate(found):
            if not isinstance(item, dict):
                raise place.item(number).error("is empty" if item is None else "is no object")
        return [(item, place.item(number)) for number, item in enumerate(found)]

    def owner(self, given: Sequence[tuple[Mapping[str, Any], Place]]) -> tuple[str, Picture | None]:
        """Whom the row is about, and its picture."""
        image = self.values["image"]
        id_ = self._id(given)
        if id_ is None:
            shown = self._picture(str(self.place.row))
            if shown.content not in self.owners.by_content:
                raise self.place.at("image").error(
                    "shows nobody of the forget and retain configurations"
                )
            person = self.owners.by_content[shown.content]
            return person.id, person.pictures[0]
        if image is None:
            return id_, None
        shown = self._picture(f"{id_}-{self.place.row}")
        known = self.owners.by_content.get(shown.content)
        if known is None:
            return id_, shown
        if known.id != id_:
            problem = f"is the picture of {known.id!r}, not of {id_!r}"
            raise self.place.at("image").error(problem)
        return id_, known.pictures[0]

    def _id(self, given: Sequence[tuple[Mapping[str, Any], Place]]) -> str | None:
        if "ID" in self.values:
            place, id_ = self.place.at("ID"), self.values["ID"]
        else:
            named = {item["ID"]: at for item, at in given if says_something(item.get("ID"))}
            if not named:
                return None
            if len(named) > 1:
                raise self.place.at("metadata").error("holds pairs of several IDs")
            ((id_, at),) = named.items()
            place = at.at("ID")
        found = place.identifier(id_)
        if found not in self.owners.ids:
            raise place.error(f"{found!r} is nobody of the forget and retain configurations")
        return found

    def _picture(self, name: str) -> Picture:
        return self.source.pictures.given(
            self.values["image"], name, self.place.file, self.place.row, "image"
        )

    def pairs(
        self, given: Sequence[tuple[Mapping[str, Any], Place]], shown: Picture | None
    ) -> Iterator[Pair]:
        for item, at in given:
            if any(says_something(item.get(field)) for field in _ADDITIONAL):
                at.note("additional pair", "left out, as the release's own code does")
            missing = [f for f in ("Question", "Answer") if f not in item]
            if missing and any(field.casefold() == missing[0].casefold() for field in item):
                raise at.at(missing[0]).error("is empty; the field is written in other letters")
            blank = [f for f in ("Question", "Answer") if not says_something(item.get(f))]
            if blank:
                at.note("pair", f"left out, without {' and '.join(blank).lower()}")
                continue
            yield Pair(
                at.at("Question").text(item["Question"]),
                at.at("Answer").text(item["Answer"]),
                shown,
            )


def lessons(source: Source, person: Person, taught: Sequence[Pair]) -> Iterator[Sample]:
    """A person's training samples; what is evaluated without a picture is also learned without one."""
    unpictured = {sample.question for sample in person.questions if sample.picture is None}
    for number, pair in enumerate(taught):
        question, options = _split_options(pair)
        if not options and _looks_like_a_choice(pair):
            raise DataError(
                f"{person.id!r}: the answer {pair.answer!r} is a letter, and the options of "
                f"{question.splitlines()[0]!r} cannot be read; write them as 'A. ...', a line each",
                file=source.root / CONFIG,
                field="metadata",
            )
        task: Task = (
            "classification" if options else "cloze" if _BLANK.search(question) else "generation"
        )
        yield Sample(
            id=f"{person.id}/{CONFIG}[{number}]",
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
