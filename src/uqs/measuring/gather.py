"""The traces of all models of a plan; a model that gives none is reported and left out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uqs.errors import UserError
from uqs.measuring.cache import Cache, Identity
from uqs.measuring.named import Named
from uqs.measuring.plan import Plan
from uqs.measuring.tracer import Progress, Tracer
from uqs.metrics.base import Crossed, Evidence, Floats
from uqs.records import Role, Sample, Split
from uqs.traces.file import read_trace, splits
from uqs.traces.settings import TraceSettings
from uqs.traces.trace import Trace

if TYPE_CHECKING:
    from uqs.measuring.models import Models


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
    """A model whose traces exist, `places` by split; `seconds` is the time it took to make them now."""

    named: Named
    identity: Identity | None
    places: Mapping[str, Path]
    derived: Mapping[str, Mapping[str, Trace]]
    halved: Sequence[Mapping[str, Any]]
    seconds: float
    crossed: dict[int, Crossed] = field(default_factory=dict)

    def trace(self, split: str) -> Trace:
        return read_trace(self.places[split], split)

    def evidence(self, update: Mapping[str, Floats] | None) -> Evidence:
        """All that is recorded of the model, read now."""
        traces = {split: self.trace(split) for split in self.places}
        return Evidence(traces, update, self.derived, self.crossed)


@dataclass
class Gatherer:
    """Makes what is missing of a plan's traces."""

    plan: Plan
    models: Models
    cache: Cache
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
                self.fail(model, error)
        if "crossed" in self.plan.needs:
            self._cross(found)
        return found

    def drop(self, model: Gathered, reason: str) -> None:
        """Report a model that must not be used after all."""
        self.failures.append(Failure(model.named.label, reason))

    def fail(self, model: Named, error: Exception) -> None:
        """Report a model that could not be traced or measured."""
        kind = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
        self.failures.append(Failure(model.label, f"{kind}{error}"))

    def _gathered(self, model: Named) -> Gathered:
        begin = time.perf_counter()
        folder = model.checkpoint.folder
        if model.checkpoint.kind == "traces":
            places = dict.fromkeys(splits(folder), folder)
            return Gathered(model, None, places, {}, (), 0.0)
        with self._tracer(model, self.settings) as tracer:
            places = {name: tracer.ensure(split) for name, split in self.plan.splits.items()}
            derived = self._derived(tracer) if "derived" in self.plan.needs else {}
        seconds = time.perf_counter() - begin
        return Gathered(model, tracer.identity, places, derived, tracer.halved, seconds)

    def _tracer(self, model: Named, settings: TraceSettings) -> Tracer:
        identity = self.cache.identity(
            model.checkpoint, self.processor, self.models.precision, self.models.device.type
        )
        progress: Progress = self.listener.traced
        return Tracer(model.checkpoint, identity, self.models, self.cache, settings, progress)

    def _derived(self, tracer: Tracer) -> dict[str, dict[str, Trace]]:
        from uqs.probes.derived import DECLARED, derived_traces

        return tracer.derived(self.plan.splits["forget"], DECLARED, derived_traces)

    def _cross(self, gathered: Sequence[Gathered]) -> None:
        """Have each model and each oracle score the other's answers."""
        oracles = [one for one in gathered if one.named.role is Role.ORACLE and one.identity]
        pairs = [
            (one, oracle, *_relabelled(self.plan.splits["forget"], one, oracle))
            for one in gathered
            if one.identity
            for oracle in oracles
            if oracle is not one
        ]
        settings = self.settings.model_copy(
            update={"layers": (-1,), "top_k": 1, "whole_vocabulary": 0, "max_new_tokens": 1}
        )
        places: dict[tuple[int, int, str], Path] = {}
        for scorer in gathered:
            mine = [pair for pair in pairs if scorer in pair[:2] and len(pair[2])]
            if not mine:
                continue
            with self._tracer(scorer.named, settings) as tracer:
                for one, oracle, own, theirs in mine:
                    for split in (own, theirs):
                        key = (id(one), id(oracle), f"{split.name}/{scorer is oracle}")
                        places[key] = tracer.ensure(split)
        for one, oracle, own, theirs in pairs:
            if len(own):
                one.crossed[oracle.named.seed] = Crossed(
                    *(
                        read_trace(places[id(one), id(oracle), f"{split.name}/{by}"], split.name)
                        for split in (own, theirs)
                        for by in (False, True)
                    )
                )


def _relabelled(forget: Split, model: Gathered, oracle: Gathered) -> tuple[Split, Split]:
    """The forget questions with the model's and with the oracle's answers, where both say something."""
    own: list[Sample] = []
    theirs: list[Sample] = []
    answers = zip(model.trace("forget").answers, oracle.trace("forget").answers, strict=True)
    for sample, (mine, other) in zip(forget.samples, answers, strict=True):
        if mine and other:
            plain = replace(sample, task="short", question=sample.text, options=(), wrong=())
            own.append(replace(plain, answer=mine))
            theirs.append(replace(plain, answer=other))
    return Split("answers_of_model", tuple(own)), Split("answers_of_oracle", tuple(theirs))


def halved_notes(gathered: Sequence[Gathered]) -> Iterator[str]:
    """What a user should know of batches that did not fit into memory."""
    for one in gathered:
        for event in one.halved:
            yield (
                f"{one.named.label}: a batch of {event['samples']} samples of {event['split']} with "
                f"{event['tokens']} prompt tokens did not fit into memory and was done in halves"
            )
