"""Lists the tensors in a model's or an adapter's files without loading them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from uqs.errors import DataError

ADAPTER, WHOLE = "adapter_model.safetensors", "model.safetensors"
ADAPTER_CONFIG = "adapter_config.json"
SHARDS = f"{WHOLE}.index.json"
_CONVERT = (
    "pickled weights are not read; convert those of a source that you trust: "
    'python -c "{}" in its folder'
)
_CONVERT_MODEL = (
    "from transformers import AutoModelForImageTextToText as M; "
    "M.from_pretrained('.').save_pretrained('.')"
)
_CONVERT_ADAPTER = (
    "import torch, safetensors.torch as s; "
    f"s.save_file(torch.load('adapter_model.bin', weights_only=True), '{ADAPTER}')"
)
_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in a file."""

    file: Path
    name: str
    shape: tuple[int, ...]

    def read(self) -> Any:
        """The torch tensor."""
        with safe_open(self.file, framework="pt") as opened:
            return opened.get_tensor(self.name)


def check_fetched(folder: Path) -> None:
    """Raise DataError if a file of a folder is a Git LFS pointer: a few lines in place of its content."""
    for file in sorted(folder.iterdir()):
        if file.is_file() and file.stat().st_size < 1024:
            with file.open("rb") as opened:
                start = opened.read(len(_POINTER))
            if start == _POINTER:
                raise DataError("is a Git LFS pointer; run `git lfs pull` in its folder", file=file)


def no_weights(folder: Path, missing: str, *, adapter: bool = False) -> DataError:
    """The error for a folder without the weights that are `missing`; it says how to convert pickled ones."""
    program = _CONVERT_ADAPTER if adapter else _CONVERT_MODEL
    pickled = any(folder.glob("*.bin"))
    convert = f"; {_CONVERT.format(program)}" if pickled else ""
    return DataError(f"holds no {missing}{convert}", file=folder)


def weight_files(folder: Path) -> list[Path]:
    """The files from which transformers or peft reads the weights of a folder, and no others.

    Raises DataError if there are none, if an index names a missing file, or if one is a Git LFS pointer.
    """
    if folder.is_dir():
        check_fetched(folder)
    if (folder / ADAPTER_CONFIG).is_file():
        if not (folder / ADAPTER).is_file():
            raise no_weights(folder, ADAPTER, adapter=True)
        return [folder / ADAPTER]
    if (folder / WHOLE).is_file():
        return [folder / WHOLE]
    index = folder / SHARDS
    if not index.is_file():
        raise no_weights(folder, f"{WHOLE} and no {SHARDS}")
    try:
        named = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"is not an index of weights ({error!r})", file=index) from None
    for name in named:
        if not (folder / name).is_file():
            raise DataError(f"names {name}, which does not exist", file=index, field="weight_map")
    return [folder / name for name in named]


def stored(folder: Path) -> Iterator[StoredTensor]:
    """Every tensor of a folder's weight files. Raises DataError if a file is damaged."""
    for file in weight_files(folder):
        try:
            with safe_open(file, framework="np") as opened:
                for name in opened.keys():  # noqa: SIM118  it is not a mapping
                    yield StoredTensor(file, name, tuple(opened.get_slice(name).get_shape()))
        except (OSError, SafetensorError) as error:
            raise DataError(f"is not a readable safetensors file ({error})", file=file) from None
