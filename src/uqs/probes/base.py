"""What a probe is: another way to ask for what a model no longer answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from uqs.records import Benchmark, Sample
from uqs.traces.trace import Trace

PREFIX = "probe_"
"""The trace split of a probe's questions is `probe_NAME`."""


class Probe(ABC):
    """One file each. `kind`: `explicit` asks a model to produce the answer, `implicit` to tell it from
    others.

    A probe's questions are about items, the samples of the forget split; a question's id is that of its
    item, `@`, the probe's name and a number.
    """

    name: ClassVar[str]
    kind: ClassVar[Literal["explicit", "implicit"]]
    source: ClassVar[str]

    @property
    def split(self) -> str:
        return PREFIX + self.name

    @abstractmethod
    def samples(self, benchmark: Benchmark) -> Sequence[Sample]:
        """The probe's questions; empty where it reads the forget split itself or the benchmark has none."""

    @abstractmethod
    def recovered(self, traces: Mapping[str, Trace]) -> Mapping[str, bool]:
        """Whether a model gives the knowledge away, by item; items that the probe cannot ask about are left
        out."""


def item_of(question: str) -> str:
    """The item that a probe's question is about, from the question's id."""
    return question.rpartition("@")[0]
