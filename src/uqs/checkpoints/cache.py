"""Traces kept by what they are of: the same model asked the same questions is never run twice."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import uqs
from uqs import io
from uqs.checkpoints.find import Checkpoint, content_hash, read_json
from uqs.errors import DataError
from uqs.models import system_prompt as preamble
from uqs.models.weight_files import ADAPTER_CONFIG
from uqs.records import Split
from uqs.traces.file import FORMAT, check_parts, write_traces
from uqs.traces.trace import Trace

_TRACING = ("models", "traces", "probes", "measuring")
"""The packages whose code decides what is in a trace."""
_MODEL_FILES = (".safetensors", ".json", ".txt", ".model", ".jinja")


def default_folder() -> Path:
    """`$UQS_CACHE`, or `uqs` in the user's cache folder."""
    if chosen := os.environ.get("UQS_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "uqs"


@dataclass(frozen=True)
class Identity:
    """What a model's answers depend on beside the questions.

    `start` and `adapter` are hashes of weights, configuration and preamble (`adapter` empty for a full
    model), `processor` of a processor that replaces the model's own. `engine` names the libraries that
    compute. `loaded` is the fingerprint of the weights in memory where files do not give them alone: of an
    adapter that rewrites its base when it is loaded, which a processor does in its own last bits.
    """

    start: str
    adapter: str
    processor: str
    dtype: str
    device: str
    engine: str
    loaded: str = ""

    @property
    def weights(self) -> str:
        """One hash for the weights, 16 hex digits."""
        return hashlib.sha256(f"{self.start}{self.adapter}".encode()).hexdigest()[:16]


class Cache:
    """A folder of traces by content hash, and of hashes of large files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def hashes(self) -> Path:
        """The file that remembers hashes of large files."""
        return self.folder / "hashes.json"

    def identity(
        self, checkpoint: Checkpoint, processor: Path | None, dtype: str, device: str
    ) -> Identity:
        """Read a checkpoint's files, if need be, for what they are."""
        known = self.hashes
        adapter = ""
        if checkpoint.kind == "adapter":
            folder = checkpoint.folder
            config = dict(read_json(folder / ADAPTER_CONFIG))
            config.pop("base_model_name_or_path", None)
            weights = content_hash(folder, (".safetensors",), known)
            adapter = hashlib.sha256(
                (weights + json.dumps(config, sort_keys=True) + preamble.read(folder)).encode()
            ).hexdigest()
        return Identity(
            content_hash(checkpoint.start, _MODEL_FILES, known),
            adapter,
            content_hash(processor, _MODEL_FILES, known) if processor else "",
            dtype,
            device,
            _engine(),
        )

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
            "code": code_hash(),
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


@lru_cache(maxsize=1)
def code_hash() -> str:
    """SHA-256 of the code that makes traces: those that other code made are not used."""
    digest = hashlib.sha256()
    top = Path(uqs.__file__).parent
    files = [top / "records.py", *(file for name in _TRACING for file in (top / name).glob("*.py"))]
    for file in sorted(files):
        digest.update(f"{file.relative_to(top)} {len(data := file.read_bytes())}\n".encode() + data)
    return digest.hexdigest()


def _engine() -> str:
    """The libraries that a trace's numbers come from; torchvision, where it is, scales pictures."""
    names = ("torch", "transformers", "peft", "torchvision", "pillow")
    found = []
    for name in names:
        with suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return ", ".join(found)


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
