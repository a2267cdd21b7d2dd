"""Finds what a user names as a model: a model folder, an adapter, a hub id, or a folder of traces."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from uqs import io
from uqs.errors import DataError, UserError
from uqs.models.weight_files import ADAPTER, ADAPTER_CONFIG, stored
from uqs.traces.file import INDEX

CONFIG = "config.json"
RECORDS = ("unlearning.json", "training.json")
"""The file that `uqs unlearn` and studies write beside a model; it has the field `collapse`."""
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_READ = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")

Kind = Literal["model", "adapter", "traces"]


@dataclass(frozen=True)
class Checkpoint:
    """A folder with a model, an adapter (and the folder of its `base`), or traces.

    `title`: the name of the full model in tables, that is, the hub id or the folder's name.
    """

    folder: Path
    kind: Kind
    title: str
    base: Path | None = None

    @property
    def start(self) -> Path:
        """The folder of the full model to load: the base of an adapter, or the model itself."""
        return self.base or self.folder


def find(name: str | Path, base: str | Path | None = None) -> Checkpoint:
    """The checkpoint that a user names; `base` replaces the base that an adapter names.

    A hub id is fetched, without pickled weights and code, unless a folder has that name. Raises UserError or
    DataError if it does not exist or is not of a known kind.
    """
    folder = folder_of(name)
    if (folder / INDEX).is_file():
        title = read_json(folder / INDEX).get("about", {}).get("title", folder.name)
        return Checkpoint(folder, "traces", str(title))
    if (folder / ADAPTER_CONFIG).is_file():
        if not (folder / ADAPTER).is_file():
            raise DataError(f"holds no {ADAPTER}; pickled weights are not read", file=folder)
        stands_on = (str(base), folder_of(base)) if base else _base_of(folder)
        return Checkpoint(folder, "adapter", _title(*stands_on), stands_on[1])
    if (folder / CONFIG).is_file():
        if not any(folder.glob("*.safetensors")):
            raise DataError(
                "holds no weights in safetensors; pickled ones are not read", file=folder
            )
        return Checkpoint(folder, "model", _title(str(name), folder))
    raise DataError(f"holds none of {CONFIG}, {ADAPTER_CONFIG} and {INDEX}", file=folder)


def _title(name: str, folder: Path) -> str:
    """The hub id, or else the folder's own name."""
    return folder.name if Path(name).exists() or not _HUB_ID.fullmatch(name) else name


def folder_of(name: str | Path) -> Path:
    """The local folder for a folder's name or a hub id."""
    path = Path(name)
    if path.is_dir():
        return path.resolve()
    if isinstance(name, str) and _HUB_ID.fullmatch(name):
        return _fetched(name)
    raise UserError(f"no folder {str(name)!r}, and it is not a hub id (owner/name)")


def _fetched(name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(_READ)))
    except Exception as error:  # the hub's client raises errors of many libraries
        reason = str(error).partition("\n")[0]
        raise UserError(f"no folder {name!r}, and the hub does not give it ({reason})") from None


def _base_of(folder: Path) -> tuple[str, Path]:
    """The base that an adapter names, and its folder."""
    file = folder / ADAPTER_CONFIG
    named = read_json(file).get("base_model_name_or_path")
    if not isinstance(named, str) or not named:
        raise DataError("names no base", file=file, field="base_model_name_or_path")
    beside = folder / named
    if beside.is_dir():
        return str(beside), beside.resolve()
    try:
        return named, folder_of(named)
    except UserError as error:
        raise DataError(
            f"{error}; give the base's folder with --base",
            file=file,
            field="base_model_name_or_path",
        ) from None


def read_json(file: Path) -> Mapping[str, Any]:
    """Read a JSON object. Raises DataError if the file has no such object."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"is not readable JSON ({error})", file=file) from None
    if not isinstance(found, dict):
        raise DataError("is not a JSON object", file=file)
    return found


def collapse_of(checkpoint: Checkpoint) -> str | None:
    """How the run that made a model (or its traces' model) collapsed; None if no collapse is recorded."""
    if checkpoint.kind == "traces":
        records = [read_json(checkpoint.folder / INDEX).get("about", {})]
    else:
        files = [checkpoint.folder / name for name in RECORDS]
        records = [read_json(file) for file in files if file.is_file()]
    return next((str(one["collapse"]) for one in records if one.get("collapse")), None)


def content_hash(folder: Path, suffixes: tuple[str, ...], known: Path | None = None) -> str:
    """SHA-256 over the names and contents of a folder's files with these suffixes.

    `known`: a file that stores hashes of large files by path, size and modification time.
    """
    digest = hashlib.sha256()
    for file in sorted(file for file in folder.iterdir() if file.suffix in suffixes):
        digest.update(f"{file.name} {_file_hash(file, known)}\n".encode())
    return digest.hexdigest()


def same_weights(one: Path, other: Path, known: Path | None = None) -> bool:
    """Whether two model folders have the same weights."""
    suffixes = (".safetensors",)
    return one == other or content_hash(one, suffixes, known) == content_hash(
        other, suffixes, known
    )


def _file_hash(file: Path, known: Path | None) -> str:
    about = file.stat()
    place = f"{file.resolve()} {about.st_size} {about.st_mtime_ns}"
    remembered = _remembered(known)
    if place in remembered:
        return str(remembered[place])
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if known is not None:
        known.parent.mkdir(parents=True, exist_ok=True)
        io.write_text(known, json.dumps(remembered | {place: found}, indent=0))
    return found


def _remembered(known: Path | None) -> dict[str, str]:
    """The stored hashes; empty if the file is missing or not JSON, because they can be computed again."""
    try:
        return dict(json.loads(known.read_text())) if known is not None else {}
    except (OSError, ValueError):
        return {}


def check_adapter(adapter: Checkpoint) -> None:
    """Raise DataError if an adapter's factors do not fit the layers of its base."""
    if adapter.base is None:
        raise ValueError("the checkpoint is not an adapter")
    from uqs.models.layouts import layer_name

    shapes = {layer_name(one.name): one.shape for one in stored(adapter.base)}
    for one in stored(adapter.folder):
        file, name, shape = one.file, one.name, one.shape
        which, side = ("lora_A", 1) if ".lora_A." in name else ("lora_B", 0)
        if f".{which}." not in name:
            continue
        layer = layer_name(name.partition(f".{which}.")[0])
        if layer not in shapes:
            problem = (
                f"adapts a layer that {adapter.base} does not have; it belongs to another base"
            )
            raise DataError(problem, file=file, field=name)
        if shape[side] != shapes[layer][side]:
            problem = (
                f"has {shape[side]} columns or rows where {adapter.base} has {shapes[layer][side]};"
                " it belongs to another base"
            )
            raise DataError(problem, file=file, field=name)
