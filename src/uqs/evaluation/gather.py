"""Makes the traces of all models in a plan; a model without traces is reported and left out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from uqs.checkpoints.content import same_weights
from uqs.checkpoints.find import check_adapter, collapse_of
from uqs.checkpoints.identity import identity, remembered
from uqs.errors import DataError, UserError
from uqs.evaluation.cross import Places, relabelled, scored
from uqs.evaluation.given import (
    check_questions,
    check_settings,
    recorded_weights,
    settings_of,
    unsaid,
)
from uqs.evaluation.named import NamedCheckpoint
from uqs.evaluation.oracles import (
    trained_on_everything,
    trained_on_forget,
    unfit,
    untestable,
)
from uqs.evaluation.plan import EvaluationPlan
from uqs.evaluation.record import Recording, described, record
from uqs.evaluation.tracer import Progress, Tracer
from uqs.metrics.base import CrossScores, Evidence, Floats
from uqs.records import Need, Role
from uqs.traces.file import read_trace
from uqs.traces.judged import judged_by
from uqs.traces.settings import TraceSettings
from uqs.traces.store import Identity, TraceStore
from uqs.traces.trace import Trace

if TYPE_CHECKING:
    from uqs.checkpoints.open import Models


class Listener:
    """Receives events; this base class ignores them."""

    def began(self, label: str) -> None:
        """Work on a model begins."""

    def traced(self, split: str, done: int, samples: int) -> None:
        """`done` of `samples` samples of a split are traced."""


@dataclass(frozen=True)
class Failure:
    """A model that was not measured, and why."""

    label: str
    reason: str


@dataclass
class TracedModel:
    """A model with traces; `seconds`: the time spent now to make them; `collapse`: how the run that made the
    model collapsed; `assumed`: about a model of no declared family."""

    named: NamedCheckpoint
    identity: Identity | None
    recorded: Recording
    halved: Sequence[Mapping[str, Any]]
    seconds: float
    judges: Mapping[str, str]
    collapse: str | None = None
    assumed: Sequence[str] = ()
    cross_scores: dict[int, CrossScores | None] = field(default_factory=dict)

    def trace(self, split: str) -> Trace:
        return judged_by(read_trace(self.recorded.places[split], split), self.judges)

    def evidence(self, update: Mapping[str, Floats] | None) -> Evidence:
        """Read everything recorded about the model."""
        return self.recorded.evidence(update, self.cross_scores, judges=self.judges)


@dataclass
class Gatherer:
    """Makes the missing traces of a plan."""

    plan: EvaluationPlan
    models: Models
    cache: Path
    settings: TraceSettings
    listener: Listener
    processor: Path | None
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    weights: dict[NamedCheckpoint, str] = field(default_factory=dict)

    def gather(self) -> list[TracedModel]:
        """The models that could be traced, in plan order. Raises UserError if an oracle is given twice."""
        self._weigh()
        found = []
        for model in self.plan.models:
            self.listener.began(model.label)
            try:
                found.append(replace(self._gathered(model), collapse=collapse_of(model.checkpoint)))
            except Exception as error:
                self.fail(model, described(error))
        usable = list(self._usable(found))
        if Need.CROSS_SCORED in self.plan.needs:
            self._cross(usable)
        return usable

    def fail(self, model: NamedCheckpoint, reason: str) -> None:
        """Report a model that could not be traced or must not be used, or one of its metrics."""
        self.failures.append(Failure(model.label, reason))

    def same_model(self, one: NamedCheckpoint, other: NamedCheckpoint) -> bool:
        """Whether two checkpoints are the same model or have the same weights."""
        if one == other:
            return True
        if one not in self.weights or other not in self.weights:
            return False
        if self.weights[one] == self.weights[other]:
            return True
        whole = one.checkpoint.kind == other.checkpoint.kind == "model"
        return whole and same_weights(
            one.checkpoint.folder, other.checkpoint.folder, remembered(self.cache)
        )

    def _weigh(self) -> None:
        """Find out which models are the same. Unreadable files are reported later, at the model's turn."""
        for model in self.plan.models:
            with suppress(UserError, OSError):
                self.weights[model] = self._weights(model)
        for one, other in combinations(self.plan.oracles, 2):
            if self.same_model(one, other):
                raise UserError(
                    f"{one.label} and {other.label} have the same weights; give each oracle once"
                )
        for model in (self.plan.original, *self.plan.unlearned):
            for oracle in self.plan.oracles:
                if self.same_model(model, oracle):
                    self.notes.append(
                        f"{model.label} has the weights of {oracle.label}: it is not compared with it, "
                        "but its gap to the oracles' own values includes that oracle"
                    )

    def _weights(self, model: NamedCheckpoint) -> str:
        if model.checkpoint.kind == "traces":
            return recorded_weights(model.checkpoint.folder)
        return self._identity(model).weights

    def _usable(self, gathered: Sequence[TracedModel]) -> Iterator[TracedModel]:
        """All models except oracles that do not work or were trained on forget data."""
        originals = [one for one in gathered if one.named.role is Role.ORIGINAL]
        taught = originals[0].trace("forget") if originals else None
        for one in gathered:
            if one.named.role is Role.ORACLE and (reason := self._refused(one, taught)):
                self.fail(one.named, reason)
            else:
                yield one

    def _refused(self, oracle: TracedModel, taught: Trace | None) -> str | None:
        """Why a model cannot be an oracle; adds a note if that cannot be tested."""
        if oracle.collapse:
            return f"is not an oracle: its training collapsed ({oracle.collapse})"
        traces = {split: oracle.trace(split) for split in oracle.recorded.places}
        forget, holdout = traces["forget"], traces["holdout"]
        if reason := untestable(forget, holdout):
            self.notes.append(f"{oracle.named.label} {reason}")
        return (
            unfit(traces)
            or (None if self.plan.benchmark.generalises else trained_on_everything(traces))
            or trained_on_forget(forget, holdout, taught)
        )

    def _gathered(self, model: NamedCheckpoint) -> TracedModel:
        begin, judges = time.perf_counter(), self.plan.benchmark.judges
        if model.checkpoint.kind == "traces":
            return TracedModel(model, None, Recording(self._given(model)), (), 0.0, judges)
        if model.checkpoint.kind == "adapter":
            check_adapter(model.checkpoint)
        with self._tracer(model, self.settings) as tracer:
            recorded = record(tracer, self.plan.splits, self.plan.needs)
        self.notes += [f"{model.label}: {fault}" for fault in recorded.faults]
        seconds = time.perf_counter() - begin
        return TracedModel(
            model,
            tracer.identity,
            recorded,
            tracer.halved,
            seconds,
            judges,
            assumed=tracer.assumed,
        )

    def _given(self, model: NamedCheckpoint) -> Mapping[str, Path]:
        """The folders of given traces. Raises DataError if their settings differ from the others'."""
        folder, data = model.checkpoint.folder, self.plan.benchmark
        names = check_questions(folder, data.data_hash, self.plan.splits)
        check_settings(folder, self._common)
        if missing := unsaid(folder):
            self.notes.append(f"{model.label}: {missing}")
        return dict.fromkeys(names, folder)

    @cached_property
    def _common(self) -> Mapping[str, Any]:
        """The settings of all traces: the current ones, or those of the first traces if all are given."""
        every = [one.checkpoint for one in (self.plan.original, *self.plan.models)]
        if any(one.kind != "traces" for one in every):
            return self.settings.content()
        for one in every:
            with suppress(DataError):  # reported later, at the model's turn
                if found := settings_of(one.folder):
                    return found
        return {}

    def _identity(self, model: NamedCheckpoint) -> Identity:
        return identity(
            model.checkpoint,
            self.processor,
            self.models.precision,
            self.models.device.type,
            remembered(self.cache),
        )

    def _tracer(self, model: NamedCheckpoint, settings: TraceSettings) -> Tracer:
        progress: Progress = self.listener.traced
        store, found = TraceStore(self.cache), self._identity(model)
        return Tracer(model.checkpoint, found, self.models, store, settings, progress)

    def _cross(self, gathered: Sequence[TracedModel]) -> None:
        """Let each model and each oracle score each other's answers."""
        modelled = [one for one in gathered if one.identity is not None]
        pairs = [
            _Pair(
                one,
                oracle,
                Places(
                    relabelled(
                        self.plan.splits["forget"],
                        one.trace("forget").answers,
                        oracle.trace("forget").answers,
                    )
                ),
            )
            for one in modelled
            for oracle in modelled
            if oracle.named.role is Role.ORACLE and not self.same_model(one.named, oracle.named)
        ]
        for scorer in modelled:
            self.listener.began(f"answers scored by {scorer.named.label}")
            mine = [pair for pair in pairs if pair.model is scorer or pair.oracle is scorer]
            try:
                self._score(scorer, mine)
            except Exception as error:
                self.notes.append(
                    f"{scorer.named.label} could not score the other models' answers: {described(error)}"
                )
        for pair in pairs:
            if not pair.places.splits.own.samples:
                pair.model.cross_scores[pair.oracle.named.seed] = None
            elif pair.places.complete:
                pair.model.cross_scores[pair.oracle.named.seed] = pair.places.cross_scores()

    def _score(self, scorer: TracedModel, pairs: Sequence[_Pair]) -> None:
        with self._tracer(scorer.named, scored(self.settings)) as tracer:
            for pair in pairs:
                pair.places.score(tracer, by_oracle=scorer is pair.oracle)


class _Pair(NamedTuple):
    """A model, an oracle, and their cross scores."""

    model: TracedModel
    oracle: TracedModel
    places: Places


def assumed_notes(gathered: Sequence[TracedModel]) -> Iterator[str]:
    """Notes for the user on what was assumed about models of no declared family, each once."""
    yield from dict.fromkeys(f"assumed: {one}" for model in gathered for one in model.assumed)


def halved_notes(gathered: Sequence[TracedModel]) -> Iterator[str]:
    """Notes for the user on batches that did not fit into memory."""
    for one in gathered:
        for event in one.halved:
            yield (
                f"{one.named.label}: a batch of {event['samples']} samples of {event['split']} with "
                f"{event['tokens']} prompt tokens did not fit into memory and was processed in halves"
            )
