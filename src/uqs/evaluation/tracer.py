"""Traces of one model, from the store or made now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from uqs import __version__
from uqs.checkpoints.find import Checkpoint
from uqs.records import Split
from uqs.traces.file import read_index, read_trace
from uqs.traces.settings import TraceSettings
from uqs.traces.store import Identity, TraceStore
from uqs.traces.trace import Trace, join

if TYPE_CHECKING:
    from uqs.models.vlm import VLM


class CheckpointOpener(Protocol):
    """Opens checkpoints, as `checkpoints.open.Models` does."""

    def opened(self, checkpoint: Checkpoint) -> AbstractContextManager[VLM]:
        """The model of a checkpoint, for the time of a block."""
        ...


Progress = Callable[[str, int, int], None]
"""Told of a split's name, the samples that are done, and all of them."""
Make = Callable[["VLM", Split, Callable[[Split], Trace]], Mapping[str, Mapping[str, Trace]]]
"""Makes models from a model and traces each on a split: traces by what was done and split."""


@dataclass
class Tracer:
    """The traces of one checkpoint; the model is opened when the first one is missing.

    Use it as a context: at its end the model is closed. An adapter that rewrites its base is opened at once,
    for its traces are kept by what it is in memory. `halved` describes the batches that did not fit into
    memory, whenever that was.
    """

    checkpoint: Checkpoint
    identity: Identity
    models: CheckpointOpener
    store: TraceStore
    settings: TraceSettings
    progress: Progress
    halved: list[Mapping[str, Any]] = field(default_factory=list)
    _open: ExitStack = field(default_factory=ExitStack)
    _vlm: VLM | None = None

    def __enter__(self) -> Tracer:
        from uqs.models.fingerprint import fingerprint
        from uqs.models.opening import rewrites_base

        folder = self.checkpoint.folder
        if self.checkpoint.kind == "adapter" and rewrites_base(folder):
            self.identity = replace(self.identity, loaded=fingerprint(self.vlm.model))
        return self

    def __exit__(self, *raised: object) -> None:
        self._vlm = None
        self._open.close()

    @property
    def vlm(self) -> VLM:
        """The model, opened."""
        if self._vlm is None:
            self._vlm = self._open.enter_context(self.models.opened(self.checkpoint))
        return self._vlm

    def ensure(self, split: Split) -> Path:
        """Where the store holds the trace of a split; it is made now if it did not."""
        place = self.store.place(self.identity, split, self.settings.content())
        if not self.store.holds(place):
            about = self._about()
            self.store.put(place, self._parts(split, about["halved"]), about)
        self.halved += read_index(place)["about"]["halved"]
        return place

    def ensure_interventions(self, split: Split, made: Mapping[str, Any], make: Make) -> Path:
        """Where the store holds traces of models made from this one; `made` declares what is done to it."""
        place = self.store.place(self.identity, split, self.settings.content(), made)
        if not self.store.holds(place):
            about = self._about()
            found = make(
                self.vlm, split, lambda some: join(list(self._parts(some, about["halved"])))
            )
            parts = [
                replace(trace, split=f"{name}.{trace.split}")
                for name, traces in found.items()
                for trace in traces.values()
            ]
            self.store.put(place, parts, about)
        self.halved += read_index(place)["about"]["halved"]
        return place

    def _parts(self, split: Split, halved: list[dict[str, Any]]) -> Iterator[Trace]:
        from uqs.traces.one_pass import trace_parts

        done = 0
        self.progress(split.name, done, len(split))
        for part in trace_parts(
            self.vlm, split, self.settings, lambda event: halved.append(asdict(event))
        ):
            yield part
            done += len(part)
            self.progress(split.name, done, len(split))

    def _about(self) -> dict[str, Any]:
        return {
            "uqs": __version__,
            "model": asdict(self.identity),
            "settings": self.settings.content(),
            "halved": [],
        }


def read_interventions(place: Path) -> dict[str, dict[str, Trace]]:
    """The traces of interventions in a folder, by what was done and split."""
    read: dict[str, dict[str, Trace]] = {}
    for key in read_index(place)["splits"]:
        name, _, of = key.rpartition(".")
        read.setdefault(name, {})[of] = replace(read_trace(place, key), split=of)
    return read
