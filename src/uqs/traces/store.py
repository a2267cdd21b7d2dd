"""The store of traces, with keys from their content: no model is asked the same questions twice."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from uqs import io
from uqs.computation import described
from uqs.errors import DataError
from uqs.records import Split
from uqs.traces.file import FORMAT, check_parts, write_traces
from uqs.traces.trace import Trace


@dataclass(frozen=True)
class Identity:
    """What a model's answers depend on, apart from the questions.

    `start` and `adapter`: hashes of weights, configuration and system prompt (`adapter` is empty for a full
    model). `processor`: the hash of a processor that replaces the model's own. `loaded`: the fingerprint of
    the weights in memory if the files do not determine them: an adapter may rewrite its base when it is
    loaded, and the last bits then depend on the CPU.
    """

    start: str
    adapter: str
    processor: str
    dtype: str
    device: str
    loaded: str = ""

    @property
    def weights(self) -> str:
        """One hash for the weights, 16 hex digits."""
        return weights_hash(self.start, self.adapter)


def weights_hash(start: str, adapter: str) -> str:
    """One hash for a model's weights from the hashes of its parts, 16 hex digits."""
    return hashlib.sha256(f"{start}{adapter}".encode()).hexdigest()[:16]


class TraceStore:
    """A folder of traces by content hash."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def place(
        self,
        identity: Identity,
        split: Split,
        settings: Mapping[str, Any],
        made: Mapping[str, Any] | None = None,
    ) -> Path:
        """The folder for the trace of a split; `made`: what was done to the model before."""
        key = {
            "format": FORMAT,
            "computation": described(("tracing", "interventions") if made else ("tracing",)),
            "model": asdict(identity),
            "split": split.name,
            "samples": samples_hash(split),
            "settings": dict(settings),
            "made": dict(made or {}),
        }
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        return self.folder / "traces" / digest[:2] / digest[2:34]

    def holds(self, place: Path) -> bool:
        """Whether there is a complete trace; a damaged one is removed."""
        if not place.is_dir():
            return False
        try:
            check_parts(place)
        except DataError:
            shutil.rmtree(place)
            return False
        return True

    def put(self, place: Path, parts: Iterable[Trace], about: Mapping[str, Any]) -> None:
        """Write a trace under a temporary name and move it to its place when it is complete."""
        with io.new_folder(place, shared=True) as part:
            write_traces(parts, part, about)


_APART = ("picture", "layout")
"""Fields of a sample that are hashed in another way, or only where they are set."""


def samples_hash(split: Split) -> str:
    """SHA-256 of everything in a split that is shown to a model."""
    digest = hashlib.sha256()
    for sample in split.samples:
        picture = sample.picture
        words = {f.name: getattr(sample, f.name) for f in fields(sample) if f.name not in _APART}
        if sample.layout is not None:
            words["layout"] = asdict(sample.layout)
        if picture is not None:
            words["picture"] = [picture.name, hashlib.sha256(picture.data).hexdigest()]
        digest.update(json.dumps(words, sort_keys=True, ensure_ascii=True).encode())
    return digest.hexdigest()
