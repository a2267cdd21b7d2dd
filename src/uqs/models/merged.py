"""Temporarily merges an adapter into the base's weights: one product per layer instead of three."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from uqs.models.vlm import VLM

MOST = 2**26
"""The most bytes of adapted weights to keep twice: 64 MiB, a small model."""


@contextmanager
def merged(vlm: VLM) -> Iterator[None]:
    """Within the context, adapted linear layers compute with W + (alpha/r) BA; afterwards their own weights
    are restored bit for bit. Do not train within it.

    Only for small models in float32 on the CPU: there, the products with A and B cost as much as the product
    with W. A larger model, or one whose merged weights would be rounded, is not changed.
    """
    layers = _layers(vlm)
    kept = [(layer, layer.get_base_layer().weight.data) for layer in layers]
    try:
        for layer in layers:
            layer.merge(safe_merge=True)  # into a copy
        yield
    finally:
        for layer, weight in kept:
            layer.get_base_layer().weight.data = weight
            layer.merged_adapters.clear()


def _layers(vlm: VLM) -> list[Any]:
    """The layers to merge: all, or none if one of them cannot be merged without loss."""
    from peft.tuners.lora import LoraLayer
    from peft.tuners.lora.layer import Linear

    found: list[Any] = [
        one for one in vlm.model.modules() if isinstance(one, LoraLayer) and not one.merged
    ]
    held = 0
    for layer in found:
        weight = getattr(layer.get_base_layer(), "weight", None)
        plain = type(layer) is Linear and type(layer.get_base_layer()) is nn.Linear
        if not plain or weight is None or weight.dtype != torch.float32:
            return []
        if weight.device.type != "cpu":  # on a GPU, or away while the model is spread
            return []
        if layer.disable_adapters or not _finite(layer):
            return []
        held += weight.nbytes
    return found if held <= MOST else []


def _finite(layer: nn.Module) -> bool:
    return all(bool(torch.isfinite(one).all()) for one in layer.parameters())
