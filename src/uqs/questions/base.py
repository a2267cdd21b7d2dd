"""The base class of probes. A probe asks in another way for what a model no longer answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from uqs.records import LETTERS, Benchmark, Picture, Sample
from uqs.traces.judged import right_answers
from uqs.traces.trace import Trace

PREFIX = "probe_"
"""The trace split of a probe's questions is `probe_NAME`."""


class Probe(ABC):
    """One probe per file. `kind`: `explicit` asks a model to produce the answer, `implicit` asks it to tell
    the answer from others.

    A probe asks about items, the samples of the forget split. A question's id is its item's id, `@`, the
    probe's name and a number.
    """

    name: ClassVar[str]
    kind: ClassVar[Literal["explicit", "implicit"]]
    source: ClassVar[str]

    @property
    def split(self) -> str:
        return PREFIX + self.name

    def samples(self, benchmark: Benchmark) -> Sequence[Sample]:
        """The probe's questions; empty if it reads the benchmark's own splits, or if the benchmark lacks what
        it needs."""
        return ()

    @abstractmethod
    def recovered(self, traces: Mapping[str, Trace]) -> Mapping[str, bool]:
        """Whether a model gives the knowledge away, by item, if the probe can ask about it."""

    def ask(self, item: Sample, question: str, picture: Picture | None, number: int = 1) -> Sample:
        """Another question with the item's own answer and options."""
        return replace(
            item,
            id=f"{item.id}@{self.name}{number}",
            question=question,
            picture=picture,
            wording="reworded",
            wrong=(),
        )


class ExplicitProbe(Probe):
    """A probe whose questions have the item's own answer; one correct answer counts as recovered."""

    kind = "explicit"

    def recovered(self, traces: Mapping[str, Trace]) -> Mapping[str, bool]:
        return answered(traces[self.split]) if self.split in traces else {}


def answered(trace: Trace) -> dict[str, bool]:
    """Whether any question about an item is answered correctly, by item."""
    found: dict[str, bool] = {}
    for question, right in zip(trace.ids, right_answers(trace), strict=True):
        item = item_of(question)
        found[item] = found.get(item, False) or bool(right)
    return found


def item_of(question: str) -> str:
    """The item that a question is about, from the question's id."""
    return question.rpartition("@")[0]


def in_words(sample: Sample) -> str:
    """The right answer in words; for a multiple-choice question the option, not its letter."""
    if sample.task == "classification":
        return sample.options[LETTERS.index(sample.answer)]
    return sample.answer
