"""The traces of all models of a plan; a model that gives none is reported and left out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from uqs.checkpoints.find import check_adapter
from uqs.checkpoints.identity import identity, remembered
from uqs.errors import DataError
from uqs.evaluation.cross import Places, relabelled, scored
from uqs.evaluation.named import Named
from uqs.evaluation.oracles import trained_on_forget
from uqs.evaluation.plan import Plan
from uqs.evaluation.record import Recorded, described, record
from uqs.evaluation.tracer import Progress, Tracer
from uqs.metrics.base import Crossed, Evidence, Floats
from uqs.records import Need, Role, Split
from uqs.traces.file import INDEX, read_trace, splits
from uqs.traces.settings import TraceSettings
from uqs.traces.store import Identity, TraceStore
from uqs.traces.trace import Trace

if TYPE_CHECKING:
    from uqs.checkpoints.open import Models


class Listener:
    """Is told what happens; says nothing by itself."""

    def began(self, label: str) -> None:
        """A model's turn has come."""

    def traced(self, split: str, done: int, samples: int) -> None:
        """So many samples of a split are traced."""


@dataclass(frozen=True)
class Failure:
    """A model that was not measured, and why."""

    label: str
    reason: str


@dataclass
class Gathered:
    """A model whose traces exist; `seconds` is the time it took to make them now."""

    named: Named
    identity: Identity | None
    recorded: Recorded
    halved: Sequence[Mapping[str, Any]]
    seconds: float
    crossed: dict[int, Crossed | None] = field(default_factory=dict)

    def trace(self, split: str) -> Trace:
        return read_trace(self.recorded.places[split], split)

    def evidence(self, update: Mapping[str, Floats] | None) -> Evidence:
        """All that is recorded of the model, read now."""
        return self.recorded.evidence(update, self.crossed)


@dataclass
class Gatherer:
    """Makes what is missing of a plan's traces."""

    plan: Plan
    models: Models
    cache: Path
    settings: TraceSettings
    listener: Listener
    processor: Path | None
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def gather(self) -> list[Gathered]:
        """The models that could be traced, in the plan's order."""
        found = []
        for model in self.plan.models:
            self.listener.began(model.label)
            try:
                found.append(self._gathered(model))
            except Exception as error:
                self.fail(model, described(error))
        usable = list(self._usable(found))
        if Need.CROSSED in self.plan.needs:
            self._cross(usable)
        return usable

    def fail(self, model: Named, reason: str) -> None:
        """Report a model that could not be traced, or must not be used, or a metric of it."""
        self.failures.append(Failure(model.label, reason))

    def _usable(self, gathered: Sequence[Gathered]) -> Iterator[Gathered]:
        """All but oracles that were trained on forget data."""
        originals = [one for one in gathered if one.named.role is Role.ORIGINAL]
        taught = originals[0].trace("forget") if originals else None
        for one in gathered:
            if one.named.role is Role.ORACLE and (
                reason := trained_on_forget(one.trace("forget"), one.trace("holdout"), taught)
            ):
                self.fail(one.named, reason)
            else:
                yield one

    def _gathered(self, model: Named) -> Gathered:
        begin = time.perf_counter()
        folder = model.checkpoint.folder
        if model.checkpoint.kind == "traces":
            places = dict.fromkeys(_checked(folder, self.plan.splits), folder)
            return Gathered(model, None, Recorded(places), (), 0.0)
        if model.checkpoint.kind == "adapter":
            check_adapter(model.checkpoint)
        with self._tracer(model, self.settings) as tracer:
            recorded = record(tracer, self.plan.splits, self.plan.needs)
        self.notes += [f"{model.label}: {fault}" for fault in recorded.faults]
        seconds = time.perf_counter() - begin
        return Gathered(model, tracer.identity, recorded, tracer.halved, seconds)

    def _tracer(self, model: Named, settings: TraceSettings) -> Tracer:
        found = identity(
            model.checkpoint,
            self.processor,
            self.models.precision,
            self.models.device.type,
            remembered(self.cache),
        )
        progress: Progress = self.listener.traced
        store = TraceStore(self.cache)
        return Tracer(model.checkpoint, found, self.models, store, settings, progress)

    def _cross(self, gathered: Sequence[Gathered]) -> None:
        """Have each model and each oracle score the other's answers."""
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
            if oracle.named.role is Role.ORACLE and oracle is not one
        ]
        for scorer in modelled:
            self.listener.began(f"answers scored by {scorer.named.label}")
            mine = [pair for pair in pairs if pair.model is scorer or pair.oracle is scorer]
            try:
                self._score(scorer, mine)
            except Exception as error:
                self.notes.append(
                    f"{scorer.named.label} scored no other model's answers: {described(error)}"
                )
        for pair in pairs:
            if not pair.places.splits.own.samples:
                pair.model.crossed[pair.oracle.named.seed] = None
            elif pair.places.complete:
                pair.model.crossed[pair.oracle.named.seed] = pair.places.crossed()

    def _score(self, scorer: Gathered, pairs: Sequence[_Pair]) -> None:
        with self._tracer(scorer.named, scored(self.settings)) as tracer:
            for pair in pairs:
                pair.places.score(tracer, by_oracle=scorer is pair.oracle)


class _Pair(NamedTuple):
    """A model and an oracle, and what each makes of the other's answers."""

    model: Gathered
    oracle: Gathered
    places: Places


def _checked(folder: Path, asked: Mapping[str, Split]) -> list[str]:
    """The splits of a folder of traces. Raises DataError where they are not of the questions asked here."""
    held = splits(folder)
    for name in ("forget", "retain", "holdout"):
        if name not in held:
            raise DataError("has no traces of it", file=folder / INDEX, field="splits", row=name)
    known = [name for name in held if name in asked]
    for name in known:
        trace, samples = read_trace(folder, name), asked[name].samples
        if trace.ids != tuple(s.id for s in samples) or trace.golds != tuple(
            s.answer for s in samples
        ):
            problem = "its ids or gold answers are not those of the benchmark's split"
            raise DataError(problem, file=folder / name)
    return known


def halved_notes(gathered: Sequence[Gathered]) -> Iterator[str]:
    """What a user should know of batches that did not fit into memory."""
    for one in gathered:
        for event in one.halved:
            yield (
                f"{one.named.label}: a batch of {event['samples']} samples of {event['split']} with "
                f"{event['tokens']} prompt tokens did not fit into memory and was done in halves"
            )
