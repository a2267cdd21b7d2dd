"""The one store of traces, kept by what they are of: no model is asked the same questions twice."""

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
    """What a model's answers depend on beside the questions.

    `start` and `adapter` are hashes of weights, configuration and system prompt (`adapter` empty for a full
    model), `processor` of a processor that replaces the model's own. `loaded` is the fingerprint of the
    weights in memory where files do not give them alone: of an adapter that rewrites its base when it is
    loaded, which a processor does in its own last bits.
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
    """One hash for the weights of a model by those of its parts, 16 hex digits."""
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
        """Where the trace of a split lies, or would; `made` says what was done to the model before."""
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
        """Whether a whole trace lies there; a damaged one is removed."""
        if not place.is_dir():
            return False
        try:
            check_parts(place)
        except DataError:
            shutil.rmtree(place)
            return False
        return True

    def put(self, place: Path, parts: Iterable[Trace], about: Mapping[str, Any]) -> None:
        """Write a trace under a temporary name and give it its place when it is whole."""
        with io.new_folder(place, shared=True) as part:
            write_traces(parts, part, about)


def samples_hash(split: Split) -> str:
    """SHA-256 of everything that a model is shown of a split."""
    digest = hashlib.sha256()
    for sample in split.samples:
        picture = sample.picture
        words = {f.name: getattr(sample, f.name) for f in fields(sample) if f.name != "picture"}
        if picture is not None:
            words["picture"] = [picture.name, hashlib.sha256(picture.data).hexdigest()]
        digest.update(json.dumps(words, sort_keys=True, ensure_ascii=True).encode())
    return digest.hexdigest()
