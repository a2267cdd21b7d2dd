"""The state of a training on the disc: written whole every few minutes, used whole or not at all.

Imports no torch before there are tensors: workers ask for `seconds_spent` without it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uqs import io

if TYPE_CHECKING:
    from torch import Tensor

INDEX = "state.json"
FORMAT = 1
SHARD = 2**28
"""Bytes of tensors that are written together: more than these are never copied at a time."""


@dataclass(frozen=True)
class SavedState:
    """A state as it was written: JSON-able `numbers`, and tensors that are read one by one.

    `shapes` gives the tensors' shapes by name.
    """

    numbers: Mapping[str, Any]
    shapes: Mapping[str, tuple[int, ...]]
    _places: Mapping[str, Path]

    def tensor(self, name: str) -> Tensor:
        """A tensor on the CPU."""
        from safetensors import safe_open

        with safe_open(self._places[name], framework="pt") as opened:
            found: Tensor = opened.get_tensor(name)
        return found


class StateFolder:
    """Keeps the last state of one training in a folder, every `minutes` of wall time.

    `key` says which training it is; a state of another one is not used. `tell` gets a line if a state is used
    or discarded. One process at a time uses a folder.
    """

    def __init__(self, folder: Path, key: str, minutes: float, tell: Callable[[str], None]) -> None:
        self.folder, self.key, self.tell = folder, key, tell
        self._seconds = 60 * minutes
        self._begun = self._since = time.monotonic()
        self._earlier = seconds_spent(folder)

    @property
    def is_due(self) -> bool:
        """Whether the last state, or the beginning, is so many minutes ago."""
        return time.monotonic() - self._since >= self._seconds

    def write(
        self,
        step: int,
        identity: Mapping[str, Any],
        numbers: Mapping[str, Any],
        tensors: Iterable[tuple[str, Tensor]],
    ) -> None:
        """Replace the state by that after `step`, which is whole even if the process is killed meanwhile.

        The index comes last: until then the earlier state stands. `identity`: what a reader must have too.
        Raises UserError if there is no room.
        """
        from safetensors.torch import save_file

        self.folder.mkdir(parents=True, exist_ok=True)
        files = {}
        for count, shard in enumerate(_shards(tensors)):
            file = self.folder / f"step-{step}-{count}.safetensors"
            with io.replacing(file) as part:
                save_file(shard, part)
                files[file.name] = _sha256(part)
        index = {
            "format": FORMAT,
            "identity": {"key": self.key, **identity},
            "numbers": numbers,
            "files": files,
            "seconds": self._earlier + time.monotonic() - self._begun,
        }
        io.write_text(self.folder / INDEX, json.dumps(index, allow_nan=False))
        for old in self.folder.glob("*.safetensors"):
            if old.name not in files:
                old.unlink(missing_ok=True)
        self._since = time.monotonic()

    def read(self, identity: Mapping[str, Any]) -> SavedState | None:
        """The state, if it is whole and has this `identity`; any other is removed, and told."""
        if not self.folder.is_dir():
            return None
        try:
            return self._read(json.loads(json.dumps({"key": self.key, **identity})))
        except _UnusableError as error:
            self.discard(str(error))
        return None

    def _read(self, identity: Mapping[str, Any]) -> SavedState:
        from safetensors import safe_open

        try:
            index = json.loads((self.folder / INDEX).read_text(encoding="utf-8"))
            form, held, files = index["format"], index["identity"], dict(index["files"])
            numbers = dict(index["numbers"])
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise _UnusableError(f"{INDEX} cannot be read ({error})") from None
        if form != FORMAT or held != identity:
            raise _UnusableError("it belongs to another training or version")
        places, shapes = {}, {}
        for name, sha256 in files.items():
            file = self.folder / Path(name).name
            if not file.is_file() or _sha256(file) != sha256:
                raise _UnusableError(f"{name} is damaged or missing")
            with safe_open(file, framework="pt") as opened:
                for tensor in opened.keys():  # noqa: SIM118  it is not a mapping
                    places[tensor] = file
                    shapes[tensor] = tuple(opened.get_slice(tensor).get_shape())
        return SavedState(numbers, shapes, places)

    def discard(self, why: str) -> None:
        """Remove a state that cannot be used, and say so."""
        self.tell(f"the state of a killed training is not used: {why}; it starts anew")
        self.remove()

    def remove(self) -> None:
        """Remove the state."""
        self._earlier = 0.0
        shutil.rmtree(self.folder, ignore_errors=True)


class _UnusableError(Exception):
    """Why a state is not used."""


def _shards(tensors: Iterable[tuple[str, Tensor]]) -> Iterator[dict[str, Tensor]]:
    """Copies of the tensors on the CPU, in parts of a limited size."""
    shard: dict[str, Tensor] = {}
    size = 0
    for name, tensor in tensors:
        shard[name] = tensor.detach().cpu().contiguous().clone()
        size += shard[name].nbytes
        if size >= SHARD:
            yield shard
            shard, size = {}, 0
    if shard:
        yield shard


def seconds_spent(folder: Path) -> float:
    """Wall time (s) that processes spent on the state in a folder; 0 if there is none."""
    try:
        return float(json.loads((folder / INDEX).read_text(encoding="utf-8"))["seconds"])
    except (OSError, ValueError, TypeError, KeyError):
        return 0.0


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
