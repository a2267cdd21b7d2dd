"""Traces of one model, read from the store or made now."""

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
        """A context with the model of a checkpoint."""
        ...


Progress = Callable[[str, int, int], None]
"""Called with a split's name, the number of finished samples, and the total."""
Make = Callable[["VLM", Split, Callable[[Split], Trace]], Mapping[str, Mapping[str, Trace]]]
"""Makes models from a model and traces each on a split: traces by intervention and split."""


@dataclass
class Tracer:
    """The traces of one checkpoint; the model is opened only if a trace is missing.

    Use it as a context: at its end the model is closed. An adapter that rewrites its base is opened at once,
    because the keys of its traces depend on its weights in memory. `halved` describes all batches that did
    not fit into memory, now or earlier; `assumed` says what was assumed about a model of no declared family.
    """

    checkpoint: Checkpoint
    identity: Identity
    models: CheckpointOpener
    store: TraceStore
    settings: TraceSettings
    progress: Progress
    halved: list[Mapping[str, Any]] = field(default_factory=list)
    assumed: tuple[str, ...] = ()
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
        """The model, opened if necessary."""
        if self._vlm is None:
            self._vlm = self._open.enter_context(self.models.opened(self.checkpoint))
        return self._vlm

    def ensure(self, split: Split) -> Path:
        """The folder of a split's trace in the store; a missing trace is made."""
        place = self.store.place(self.identity, split, self.settings.content())
        if not self.store.holds(place):
            about = self._about()
            self.store.put(place, self._parts(split, about["halved"]), about)
        self._read_about(place)
        return place

    def ensure_interventions(self, split: Split, made: Mapping[str, Any], make: Make) -> Path:
        """The folder of the traces of models made from this one; `made` describes what is done to it."""
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
        self._read_about(place)
        return place

    def _read_about(self, place: Path) -> None:
        about = read_index(place)["about"]
        self.halved += about["halved"]
        self.assumed = tuple(about.get("assumed", self.assumed))

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
            **({"assumed": list(assumed)} if (assumed := self.vlm.assumptions) else {}),
        }


def read_interventions(place: Path) -> dict[str, dict[str, Trace]]:
    """The traces in a folder by intervention and split."""
    read: dict[str, dict[str, Trace]] = {}
    for key in read_index(place)["splits"]:
        name, _, of = key.rpartition(".")
        read.setdefault(name, {})[of] = replace(read_trace(place, key), split=of)
    return read
