"""Finds what a user names as a model: a model folder, an adapter, a hub id, or a folder of traces."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from uqs.checkpoints.hub import folder_of, is_hub_id, kept
from uqs.errors import DataError
from uqs.models.weight_files import (
    ADAPTER,
    ADAPTER_CONFIG,
    check_fetched,
    no_weights,
    stored,
)
from uqs.traces.file import INDEX

CONFIG = "config.json"
RECORDS = ("unlearning.json", "training.json")
"""The file that `uqs unlearn` and studies write beside a model; it has the field `collapse`."""

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

    A hub id is fetched, without pickled weights and code, unless a folder has that name; the base that an
    adapter names is never fetched. Raises UserError or DataError if a folder does not exist, is not of a
    known kind, or has its weights in other files than safetensors.
    """
    folder = folder_of(name)
    check_fetched(folder)
    if (folder / INDEX).is_file():
        title = read_json(folder / INDEX).get("about", {}).get("title", folder.name)
        return Checkpoint(folder, "traces", str(title))
    if (folder / ADAPTER_CONFIG).is_file():
        if not (folder / ADAPTER).is_file():
            raise no_weights(folder, ADAPTER, adapter=True)
        stands_on = (str(base), folder_of(base)) if base else _base_of(folder)
        return Checkpoint(folder, "adapter", _title(*stands_on), stands_on[1])
    if (folder / CONFIG).is_file():
        if not any(folder.glob("*.safetensors")):
            raise no_weights(folder, "weights in safetensors")
        return Checkpoint(folder, "model", _title(str(name), folder))
    raise DataError(f"holds none of {CONFIG}, {ADAPTER_CONFIG} and {INDEX}", file=folder)


def _title(name: str, folder: Path) -> str:
    """The hub id, or else the folder's own name."""
    return folder.name if Path(name).exists() or not is_hub_id(name) else name


def _base_of(folder: Path) -> tuple[str, Path]:
    """The base that an adapter names, and its folder: beside the adapter, here, or fetched before."""
    file, field = folder / ADAPTER_CONFIG, "base_model_name_or_path"
    about = read_json(file)
    named = about.get(field)
    if not isinstance(named, str) or not named:
        raise DataError("names no base", file=file, field=field)
    beside = folder / named
    if beside.is_dir():
        return str(beside), beside.resolve()
    if Path(named).is_dir():
        return named, Path(named).resolve()
    if not is_hub_id(named):
        problem = f"no folder {named!r}, and it is not a hub id; give the base's folder with --base"
        raise DataError(problem, file=file, field=field)
    fetched = kept(named, about.get("revision"))
    if fetched is None:
        raise DataError(
            f"no folder {named!r}, and the hub's model of this name was not fetched before; "
            f"give the base's folder with --base, or fetch it with --base {named}",
            file=file,
            field=field,
        )
    return named, fetched


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
