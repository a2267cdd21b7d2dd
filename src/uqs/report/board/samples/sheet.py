"""One benchmark's questions, and what its models make of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from uqs.records import Sample
from uqs.report.board.live.sample_schema import Question, Sampled, Sheet
from uqs.report.board.samples import recorded
from uqs.report.board.samples.beside import Known
from uqs.report.board.samples.models import Key, Model
from uqs.report.board.samples.questions import Pictures, questions
from uqs.report.board.samples.recorded import MEMBERS, OTHERS, Asked, Folders
from uqs.report.board.samples.verdicts import Verdicts
from uqs.results import Row

NO_TRACES = (
    "The traces of these models are not there: their answers and membership scores are not known."
)


def sheet(
    found: Mapping[Key, Model], kept: frozenset[Key], known: Known, pictures: Pictures
) -> Sheet:
    """Of the models of one benchmark; single answers are those of the models in `kept`."""
    key, first = next(iter(found.items()))
    traces = {one: _asked(found[one].row, known.folders) for one in found if one in kept}
    said = {one: known.verdicts[one] for one in found if one in kept and one in known.verdicts}
    lacks = list(known.lacks)
    if not any(any(one) for one in traces.values()):
        lacks.append(NO_TRACES)
    words = questions(key.benchmark, key.edition, first.row.data_hash)
    if isinstance(words, str):
        lacks.append(words)
        words = {}
    members = _questions([one for one, _ in traces.values()], said.values(), words, pictures)
    others = _questions([one for _, one in traces.values()], (), words, pictures)
    codes: dict[str, int] = {}
    places = {one.row.config_hash: at for at, one in enumerate(found.values())}
    return Sheet(
        benchmark=first.benchmark,
        edition=key.edition,
        base=key.model,
        data=first.row.data_hash,
        questions=members,
        holdout=others,
        models=[
            _sampled(
                its,
                places.get(known.folders.originals.get(its.row.config_hash, ""), -1),
                _Lists(members, others, codes).of(said.get(one), *traces.get(one, (None, None))),
            )
            for one, its in found.items()
        ],
        words=list(codes),
        lacks=lacks,
    )


def _asked(row: Row, folders: Folders) -> tuple[Asked | None, Asked | None]:
    folder = folders.traces.get(row.config_hash)
    if folder is None:
        return None, None
    return recorded.read(folder, MEMBERS), recorded.read(folder, OTHERS)


def _questions(
    traces: Sequence[Asked | None],
    said: Iterable[Verdicts],
    words: Mapping[str, Sample],
    pictures: Pictures,
) -> list[Question]:
    """Of all questions that were asked or judged, in the order in which the first model was asked them."""
    found: dict[str, Question] = {}
    for trace in traces:
        if trace is None:
            continue
        columns = (trace.ids, trace.entities, trace.tasks, trace.golds, trace.options)
        for item, entity, task, gold, options in zip(*columns, strict=True):
            if item not in found:
                found[item] = _question(item, entity, task, gold, options, words, pictures)
    for verdict in said:
        for item, entity in verdict.entities.items():
            if item not in found:
                found[item] = _question(item, entity, "", "", (), words, pictures)
    return list(found.values())


def _question(
    item: str,
    entity: str,
    task: str,
    gold: str,
    options: Sequence[str],
    words: Mapping[str, Sample],
    pictures: Pictures,
) -> Question:
    sample = words.get(item)
    return Question(
        id=item,
        entity=entity,
        task=sample.task if sample else task,
        question=sample.question if sample else "",
        options=list(sample.options if sample else options),
        gold=sample.answer if sample else gold,
        picture=pictures.place(sample.picture) if sample else -1,
    )


@dataclass(frozen=True)
class _Lists:
    """Turns what is known of a model into lists by question; `codes` numbers the answers' words."""

    members: Sequence[Question]
    others: Sequence[Question]
    codes: dict[str, int]

    def of(self, said: Verdicts | None, own: Asked | None, holdout: Asked | None) -> _Listed:
        answers: list[int] = []
        if own is not None:
            given = dict(zip(own.ids, own.answers, strict=True))
            answers = [
                self.codes.setdefault(given[one["id"]], len(self.codes))
                if one["id"] in given
                else -1
                for one in self.members
            ]
        places = {one["id"]: at for at, one in enumerate(self.members)}
        right = [] if said is None else [int(said.right.get(name, -1)) for name in places]
        recovered = {
            probe: sorted(places[one] for one in items)
            for probe, items in sorted((said.recovered if said else {}).items())
        }
        return _Listed(
            answers, right, recovered, _losses(own, self.members), _losses(holdout, self.others)
        )


@dataclass(frozen=True)
class _Listed:
    answers: list[int]
    right: list[int]
    recovered: dict[str, list[int]]
    forget: list[float | None]
    holdout: list[float | None]


def _losses(trace: Asked | None, asked: Sequence[Question]) -> list[float | None]:
    """To six figures: enough to tell any two losses apart that differ by more than rounding."""
    if trace is None:
        return []
    known = dict(zip(trace.ids, trace.losses, strict=True))
    values = [known.get(one["id"]) for one in asked]
    return [None if value is None else float(f"{value:.6g}") for value in values]


def _sampled(model: Model, original: int, found: _Listed) -> Sampled:
    row = model.row
    return Sampled(
        role=row.role,
        method=model.method,
        seed=row.seed,
        hyperparameters=row.hyperparameters,
        config=row.config_hash,
        version=row.version,
        device=row.device,
        original=original,
        answers=found.answers,
        right=found.right,
        recovered=found.recovered,
        forget=found.forget,
        holdout=found.holdout,
    )
