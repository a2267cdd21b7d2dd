"""The weight update of a checkpoint relative to the model it started from, one layer at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open

from uqs.errors import DataError
from uqs.models.layouts import by_layer
from uqs.models.opening import adapter_config, rewrites_base
from uqs.models.weight_files import ADAPTER, ADAPTER_CONFIG, StoredTensor, stored

Floats = NDArray[np.float64]
_UNTRAINED = ("embed", "lm_head")
_PATCHES = "patch_embed"
_MAGNITUDE = ".lora_magnitude_vector"
_OF_A_MATRIX = (".lora_A.weight", ".lora_B.weight", _MAGNITUDE, f"{_MAGNITUDE}.weight")
_OTHER_LAYERS = (
    "use_qalora",
    "use_bdlora",
    "alora_invocation_tokens",
    "arrow_config",
    "kasa_config",
    "monteclora_config",
    "target_parameters",
)
"""PEFT settings with which layers do not compute with W + BA."""


def effective_update(checkpoint: Path, start: Path) -> Mapping[str, Floats]:
    """The checkpoint's update of each weight matrix of `start`, (out, in) by layer name.

    For an adapter it is (alpha/r) BA for every adapted layer. If the adapter rewrites its base, or scales it
    (DoRA), it is the layer's effective weight minus W_start. For a model it is W - W_start for every matrix
    except embeddings and output layer, and for every kernel of a convolution, (out, in x height x width);
    `start` is then read too. Each update is computed on request. Raises
    DataError if the update is unknown.
    """
    if (checkpoint / ADAPTER_CONFIG).is_file():
        return AdapterUpdate(checkpoint, start)
    return ModelUpdate(checkpoint, start)


def shapes(update: Mapping[str, Floats]) -> Mapping[str, tuple[int, ...]]:
    """The shape of each layer's update."""
    if isinstance(update, AdapterUpdate | ModelUpdate | PaddedUpdate):
        return update.shapes
    return {layer: values.shape for layer, values in update.items()}


@dataclass(frozen=True)
class _Tensors:
    """The tensors of all safetensors files of a folder, by name."""

    folder: Path

    @cached_property
    def files(self) -> Mapping[str, Path]:
        return {one.name: one.file for one in self._stored}

    @cached_property
    def _stored(self) -> Sequence[StoredTensor]:
        return list(stored(self.folder))

    @cached_property
    def _shapes(self) -> Mapping[str, tuple[int, ...]]:
        return {one.name: one.shape for one in self._stored}

    def shape(self, name: str) -> tuple[int, ...]:
        return self._shapes[name]

    def read(self, name: str) -> Floats:
        with safe_open(self.files[name], framework="pt") as opened:
            found: Floats = opened.get_tensor(name).to(torch.float64).numpy()
        return found


class AdapterUpdate(Mapping[str, Floats]):
    """A LoRA adapter's update of each layer of the model `start`, computed only from files.

    (alpha/r) BA = D, as in Hu et al. 2021 (arXiv 2106.09685). If a PiSSA or OLoRA adapter was saved so that
    peft repeats its initialisation, peft removes W's first r singular directions, or those of its QR
    decomposition, from the base (arXiv 2404.02948, 2406.01775): the update is D minus the removed part. DoRA
    gives each row of W + D the length in its file (arXiv 2402.09353). Layers of the supported families are
    `nn.Linear`, for which peft ignores `fan_in_fan_out`.
    """

    def __init__(self, folder: Path, start: Path) -> None:
        self._tensors, self._start = _Tensors(folder), _Tensors(start)
        file = folder / ADAPTER_CONFIG
        self._config = adapter_config(folder)
        first = self._config.get("init_lora_weights")
        self._taken = first.lower() if isinstance(first, str) and rewrites_base(folder) else ""
        if self._taken not in ("", "pissa", "olora"):
            problem = f"{first!r} rewrites the base, the effective update is not known here"
            raise DataError(problem, file=file, field="init_lora_weights")
        for name in _OTHER_LAYERS:
            if self._config.get(name):
                raise DataError("the effective update is not known here", file=file, field=name)
        others = [name for name in self._tensors.files if not name.endswith(_OF_A_MATRIX)]
        if others:
            problem = "is not a factor of a weight matrix: the effective update is not known"
            raise DataError(problem, file=folder / ADAPTER, field=others[0])
        suffix = ".lora_A.weight"
        stems = [name.removesuffix(suffix) for name in self._tensors.files if name.endswith(suffix)]
        self._stems = by_layer(stems, folder / ADAPTER)

    def __getitem__(self, layer: str) -> Floats:
        stem = self._stems[layer]
        down = self._tensors.read(f"{stem}.lora_A.weight")
        up = self._tensors.read(f"{stem}.lora_B.weight")
        product: Floats = self._scale(stem, len(down)) * up @ down
        if not self._taken and not self._config.get("use_dora"):
            return product
        weight = self._start.read(self._start_names[layer])
        taken = _taken_out(self._taken, weight, len(down), self._scale(stem, len(down)))
        if not self._config.get("use_dora"):
            return product - taken
        found = weight - taken + product
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        scaled: Floats = found / lengths * self._magnitude(stem)[:, None] - weight
        return scaled

    def _magnitude(self, stem: str) -> Floats:
        name = f"{stem}{_MAGNITUDE}"
        return self._tensors.read(name if name in self._tensors.files else f"{name}.weight")

    @cached_property
    def _start_names(self) -> Mapping[str, str]:
        names = (name for name in self._start.files if name.endswith(".weight"))
        return by_layer(names, self._start.folder)

    def _scale(self, stem: str, rank: int) -> float:
        # PEFT matches a pattern with the layer's name in the plain model
        inside = stem.removeprefix("base_model.model.")
        alpha = _matching(self._config.get("alpha_pattern"), inside, self._config["lora_alpha"])
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


def _taken_out(kind: str, weight: Floats, rank: int, scale: float) -> Floats:
    """The part that peft removes from a base's weight on loading; OLoRA scales it, PiSSA does not."""
    if kind == "pissa":
        left, values, right = np.linalg.svd(weight, full_matrices=False)
        taken: Floats = left[:, :rank] * values[:rank] @ right[:rank]
        return taken
    if kind == "olora":
        q, r = np.linalg.qr(weight)
        taken = scale * q[:, :rank] @ r[:rank]
        return taken
    return np.zeros_like(weight)


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
        trained = self._trained.read(self._names[layer])
        update: Floats = trained - self._start.read(self._start_names[layer])
        return update.reshape(len(update), -1)

    @cached_property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        return {layer: _as_matrix(self._trained.shape(name)) for layer, name in self._names.items()}

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _matrices(tensors: _Tensors) -> dict[str, str]:
    names = (
        name
        for name in tensors.files
        if name.endswith(".weight") and _is_matrix(name, tensors.shape(name))
    )
    return by_layer(names, tensors.folder)


def _is_matrix(name: str, shape: tuple[int, ...]) -> bool:
    """Whether a weight is a matrix that is trained, or the kernel of a convolution: flattened, it is one."""
    if len(shape) == 4:  # "embedder" is where a ResNet calls its first convolution so
        return _PATCHES not in name
    return len(shape) == 2 and not any(word in name for word in _UNTRAINED)


def _as_matrix(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[0], prod(shape[1:])


class PaddedUpdate(Mapping[str, Floats]):
    """An update with zeros for layers that the checkpoint does not change; `shapes` of all layers."""

    def __init__(self, update: Mapping[str, Floats], shapes: Mapping[str, tuple[int, ...]]) -> None:
        self._update, self.shapes = update, shapes

    def __getitem__(self, layer: str) -> Floats:
        return self._update[layer] if layer in self._update else np.zeros(self.shapes[layer])

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)
