"""What a checkpoint adds to the weights of the model that it started from, one layer at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open

from uqs.errors import DataError

Floats = NDArray[np.float64]
ADAPTER = "adapter_model.safetensors"
_UNTRAINED = ("embed", "lm_head")
_FACTORS = (".lora_A.weight", ".lora_B.weight")


def layer_name(name: str) -> str:
    """A weight's layer, named alike in model files of old and new layout and in adapters."""
    plain = name.removeprefix("base_model.").removesuffix(".weight")
    return ".".join(part for part in plain.split(".") if part not in ("model", "language_model"))


def effective_update(checkpoint: Path, start: Path) -> Mapping[str, Floats]:
    """What the checkpoint adds to each weight matrix of `start`, (out, in) by layer name.

    An adapter's is (alpha/r) BA of every layer it adapts. A model's is W - W_start of every matrix but
    embeddings and output layer; `start` is then read too. Each is computed when it is asked for.
    """
    if (checkpoint / ADAPTER).is_file():
        return AdapterUpdate(checkpoint)
    return ModelUpdate(checkpoint, start)


def shapes(update: Mapping[str, Floats]) -> Mapping[str, tuple[int, ...]]:
    """The shape of each layer's update."""
    if isinstance(update, AdapterUpdate | ModelUpdate | Padded):
        return update.shapes
    return {layer: values.shape for layer, values in update.items()}


@dataclass(frozen=True)
class _Tensors:
    """The tensors of all safetensors files of a folder, by name."""

    folder: Path

    @cached_property
    def files(self) -> Mapping[str, Path]:
        found: dict[str, Path] = {}
        for file in sorted(self.folder.glob("*.safetensors")):
            with safe_open(file, framework="pt") as opened:
                found |= dict.fromkeys(opened.keys(), file)
        if not found:
            raise DataError("holds no weights in safetensors", file=self.folder)
        return found

    def shape(self, name: str) -> tuple[int, ...]:
        with safe_open(self.files[name], framework="pt") as opened:
            return tuple(opened.get_slice(name).get_shape())

    def read(self, name: str) -> Floats:
        with safe_open(self.files[name], framework="pt") as opened:
            found: Floats = opened.get_tensor(name).to(torch.float64).numpy()
        return found


class AdapterUpdate(Mapping[str, Floats]):
    """(alpha/r) BA by layer, from a PEFT LoRA adapter's files. Source: Hu et al. 2021 (arXiv 2106.09685)."""

    def __init__(self, folder: Path) -> None:
        self._tensors = _Tensors(folder)
        file = folder / "adapter_config.json"
        self._config: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        kind = self._config.get("peft_type")
        if kind != "LORA" or self._config.get("use_dora"):
            given = "DoRA" if kind == "LORA" else kind
            problem = f"the effective update of {given} is not known here, only that of LoRA"
            raise DataError(problem, file=file, field="peft_type")
        others = [name for name in self._tensors.files if not name.endswith(_FACTORS)]
        if others:
            problem = "is no factor of a weight matrix: the effective update is not known"
            raise DataError(problem, file=folder / ADAPTER, field=others[0])
        suffix = ".lora_A.weight"
        stems = [name.removesuffix(suffix) for name in self._tensors.files if name.endswith(suffix)]
        self._stems = {layer_name(stem): stem for stem in sorted(stems)}

    def __getitem__(self, layer: str) -> Floats:
        stem = self._stems[layer]
        down = self._tensors.read(f"{stem}.lora_A.weight")
        up = self._tensors.read(f"{stem}.lora_B.weight")
        product: Floats = self._scale(stem, len(down)) * up @ down
        return product.T if self._config.get("fan_in_fan_out") else product

    def _scale(self, stem: str, rank: int) -> float:
        alpha = _matching(self._config.get("alpha_pattern"), stem, self._config["lora_alpha"])
        return float(alpha) / (rank**0.5 if self._config.get("use_rslora") else rank)

    @cached_property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        return {
            layer: (
                self._tensors.shape(f"{stem}.lora_B.weight")[0],
                self._tensors.shape(f"{stem}.lora_A.weight")[1],
            )
            for layer, stem in self._stems.items()
        }

    def __iter__(self) -> Iterator[str]:
        return iter(self._stems)

    def __len__(self) -> int:
        return len(self._stems)


def _matching(patterns: Mapping[str, float] | None, stem: str, default: float) -> float:
    """PEFT's rule: the first regular expression that the layer's name ends with, or the default."""
    for pattern, value in (patterns or {}).items():
        if re.match(rf"(.*\.)?({pattern})$", stem):
            return value
    return default


class ModelUpdate(Mapping[str, Floats]):
    """W - W_start by layer, from the files of two models of the same architecture."""

    def __init__(self, trained: Path, start: Path) -> None:
        self._trained, self._start = _Tensors(trained), _Tensors(start)
        self._names = _matrices(self._trained)
        self._start_names = _matrices(self._start)
        if unlike := sorted(set(self._names) ^ set(self._start_names)):
            raise DataError(f"only one of it and {start} has the layer {unlike[0]}", file=trained)

    def __getitem__(self, layer: str) -> Floats:
        return self._trained.read(self._names[layer]) - self._start.read(self._start_names[layer])

    @cached_property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        return {layer: self._trained.shape(name) for layer, name in self._names.items()}

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _matrices(tensors: _Tensors) -> dict[str, str]:
    return {
        layer_name(name): name
        for name in sorted(tensors.files)
        if name.endswith(".weight")
        and not any(word in name for word in _UNTRAINED)
        and len(tensors.shape(name)) == 2
    }


class Padded(Mapping[str, Floats]):
    """An update with zeros for further layers, which the checkpoint leaves alone; `shapes` of them all."""

    def __init__(self, update: Mapping[str, Floats], shapes: Mapping[str, tuple[int, ...]]) -> None:
        self._update, self.shapes = update, shapes

    def __getitem__(self, layer: str) -> Floats:
        return self._update[layer] if layer in self._update else np.zeros(self.shapes[layer])

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)
