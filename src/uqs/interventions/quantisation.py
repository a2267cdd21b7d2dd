"""Weight-only quantisation of a model's language layers, and back again.

Source: Zhang et al. 2024 (arXiv 2410.16454): if unlearning moved a weight only a little, rounding moves it
back to its old value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from uqs.errors import UserError
from uqs.models.vlm import VLM

Scheme = Literal["int8", "int4", "nf4"]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
GROUP = 128
"""Neighbouring weights of a row that share scale and zero point in `int4`."""
BLOCK = 64
"""Neighbouring weights that share a scale in `nf4`."""
NF4 = (
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0.0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
)
"""The values of NormalFloat4. Source: Dettmers et al. 2023 (arXiv 2305.14314), appendix E."""


def int8(weight: Tensor) -> Tensor:
    """Round each row of (out, in) to 255 even steps from -max to max. Source: LLM.int8(), arXiv 2208.07339,
    weights only: activations are not quantised and outliers are not kept."""
    scale = _nonzero(weight.abs().amax(1, keepdim=True) / 127)
    return (weight / scale).round().clamp(-127, 127) * scale


def int4(weight: Tensor) -> Tensor:
    """Round each GROUP of a row of (out, in) to 16 even steps from its smallest to its largest weight, with 0
    as a step. Source: round-to-nearest as in GPTQ and AWQ (arXiv 2210.17323, 2306.00978)."""
    return torch.cat([_sixteen_steps(group) for group in weight.split(GROUP, dim=1)], dim=1)


def _sixteen_steps(group: Tensor) -> Tensor:
    low = group.amin(1, keepdim=True).clamp(max=0)
    scale = _nonzero((group.amax(1, keepdim=True).clamp(min=0) - low) / 15)
    zero = (-low / scale).round()
    return (((group / scale).round() + zero).clamp(0, 15) - zero) * scale


def nf4(weight: Tensor) -> Tensor:
    """Round each BLOCK, row by row, to the NormalFloat4 values times its largest absolute weight.

    This is the arithmetic of the format, not the kernels of bitsandbytes: the scales are not quantised.
    """
    padded = nn.functional.pad(weight.flatten(), (0, -weight.numel() % BLOCK)).view(-1, BLOCK)
    scale = _nonzero(padded.abs().amax(1, keepdim=True))
    values = torch.tensor(NF4, device=weight.device)
    nearest = torch.bucketize(padded / scale, (values[1:] + values[:-1]) / 2)
    return (values[nearest] * scale).flatten()[: weight.numel()].view_as(weight)


def _nonzero(scale: Tensor) -> Tensor:
    return torch.where(scale == 0, torch.ones_like(scale), scale)


_ROUND: Mapping[Scheme, Callable[[Tensor], Tensor]] = {"int8": int8, "int4": int4, "nf4": nf4}


@contextmanager
def quantised(vlm: VLM, scheme: Scheme) -> Iterator[None]:
    """Within the context, every linear layer of the language model has its weights after quantisation;
    afterwards the original weights are restored bit for bit.

    An adapter's update is first merged into the weight, as in a merged model that is deployed. Vision tower,
    projector, embeddings and output layer are not changed, as in LLaVA's own loader, AWQ and llama.cpp. The
    original weights are kept in CPU memory. Raises UserError if weights are already quantised, or if there is
    no such layer.
    """
    kept: list[_SavedLayer] = []
    try:
        with torch.no_grad():
            for name, layer in _layers(vlm):
                kept.append(_SavedLayer.of(name, layer))
                _round(layer, _ROUND[scheme])
        if not kept:
            raise UserError(f"{vlm.name!r} has no linear layer in its language model to quantise")
        yield
    finally:
        for one in kept:
            one.restore()


def _layers(vlm: VLM) -> Iterator[tuple[str, Any]]:
    """Linear layers of the language model by name; for a layer with an adapter, the adapter's wrapper."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    output = vlm.plain_model.get_output_embeddings()
    inside: set[int] = set()
    for name, module in vlm.decoder.named_modules():
        if module is output or id(module) in inside:
            continue
        if isinstance(module, BaseTunerLayer):
            wrapper: Any = module  # a module as well, which its class does not say
            inside |= {id(part) for part in wrapper.modules()}
            if isinstance(module.get_base_layer(), nn.Linear):
                yield name, module
        elif isinstance(module, nn.Linear):
            yield name, module


def _base(layer: Any) -> nn.Linear:
    found: nn.Linear = layer if isinstance(layer, nn.Linear) else layer.get_base_layer()
    return found


def _round(layer: Any, values: Callable[[Tensor], Tensor]) -> None:
    if not isinstance(layer, nn.Linear) and not layer.disable_adapters and not layer.merged:
        layer.merge()
    weight = _base(layer).weight
    weight.data.copy_(values(weight.data.float()))


@dataclass(frozen=True)
class _SavedLayer:
    """A layer's state before quantisation."""

    layer: Any
    weights: Mapping[str, Tensor]
    merged: tuple[str, ...]

    @classmethod
    def of(cls, name: str, layer: Any) -> _SavedLayer:
        base = _base(layer)
        if base.weight.is_meta:
            raise UserError("the model is spread over devices; name one that holds it whole")
        if not base.weight.is_floating_point():
            raise UserError(f"layer {name!r} is quantised already; load the model in full weights")
        weights = {
            part: values.detach().to("cpu", copy=True) for part, values in base.named_parameters()
        }
        return cls(layer, weights, tuple(getattr(layer, "merged_adapters", ())))

    def restore(self) -> None:
        for part, values in _base(self.layer).named_parameters():
            values.data.copy_(self.weights[part])
        if not isinstance(self.layer, nn.Linear):
            self.layer.merged_adapters[:] = self.merged
