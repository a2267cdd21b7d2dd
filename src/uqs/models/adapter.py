"""The trained part of a model: a LoRA adapter on the base or, as an option, all weights."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from uqs.errors import DataError, UserError
from uqs.models import system_prompt
from uqs.models.low_bit import held_in, unpack
from uqs.models.opening import put_adapter
from uqs.models.settings import AdapterSettings, LoadIn
from uqs.models.vlm import VLM
from uqs.models.weight_files import ADAPTER, WHOLE
from uqs.registry import nearest

_BASES: Mapping[str, tuple[LoadIn | None, ...]] = {
    "lora": (None, "8bit"),
    "qlora": ("4bit",),
    "full": (None,),
}
"""In how many bits the base may be held that an adapter kind is trained on."""


def attach(vlm: VLM, settings: AdapterSettings, seed: int) -> None:
    """Make the model trainable: new LoRA factors from `seed` (their product is 0), or all weights.

    The base must be in 4 bits for `qlora` alone, and may be in 8 bits for `lora`.
    """
    bits = held_in(vlm.model)
    if bits not in _BASES[settings.kind]:
        held = f"is held in {bits[0]} bits" if bits else "is not held in 4 bits"
        raise UserError(f"adapter kind {settings.kind!r} does not fit a base that {held}")
    if settings.kind == "full":
        vlm.model.requires_grad_(True)
        return
    from peft import LoraConfig, get_peft_model

    if not vlm.targets:
        raise UserError(f"{vlm.name!r} has no layers for adapters; write adapter: {{kind: full}}")
    if settings.targets not in vlm.targets:
        raise UserError(
            f"unknown adapter targets {settings.targets!r}; {nearest(settings.targets, list(vlm.targets))}"
        )
    config = LoraConfig(
        r=settings.r,
        lora_alpha=settings.alpha,  # type: ignore[arg-type]  # a float is what it divides by r
        target_modules=vlm.targets[settings.targets],
        lora_dropout=settings.dropout,
        bias="none",
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        vlm.model = get_peft_model(vlm.model, config)


def save(vlm: VLM, folder: Path) -> None:
    """Write the trained part in the file formats of transformers and peft, and the system prompt if any.

    An adapter names its base by a relative folder, so the files do not depend on where they are.
    """
    from peft import PeftModel

    system_prompt.save(vlm, folder)
    if not isinstance(vlm.model, PeftModel):
        vlm.model.save_pretrained(folder)
        return
    # no embedding is trained; otherwise peft looks into the base's files to find out
    vlm.model.save_pretrained(str(folder), save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    about = folder / "adapter_config.json"
    config = json.loads(about.read_text())
    if base := config["base_model_name_or_path"]:
        config["base_model_name_or_path"] = f"../{Path(base).name}"
    about.write_text(json.dumps(config, indent=2, sort_keys=True))


def load(
    family: type[VLM],
    base: Path,
    checkpoint: Path,
    *,
    trainable: bool,
    load_in: LoadIn | None = None,
    **loading: Any,
) -> VLM:
    """The model of a checkpoint folder: the base, in few bits if it was trained so, with its adapter, or the
    full weights. `loading`: as in `VLM.load`. Raises DataError unless the files have exactly the model's
    weights.

    If the model will not be trained, 4-bit weights are unpacked: it computes the same, and probes may change
    it.
    """
    if (checkpoint / WHOLE).exists():
        if load_in:
            problem = f"full weights cannot be used with a base in {load_in[0]} bits"
            raise DataError(problem, file=checkpoint)
        vlm = family.load(checkpoint, processor=base, **loading)
        vlm.model.requires_grad_(trainable)
        system_prompt.load(vlm, checkpoint)
        return vlm
    if not (checkpoint / ADAPTER).exists():
        raise DataError(f"holds neither {ADAPTER} nor {WHOLE}", file=checkpoint)
    vlm = family.load(base, load_in=load_in, **loading)
    if load_in == "4bit" and not trainable:
        unpack(vlm.model)
    vlm.model = put_adapter(vlm.model, checkpoint, trainable=trainable)
    vlm.model.eval()
    system_prompt.load(vlm, checkpoint)
    return vlm


@dataclass(frozen=True)
class Factors:
    """A layer's update (out, in) as `up @ down`, up (out, k) and down (k, in); any k from 1."""

    up: Tensor
    down: Tensor

    def __add__(self, other: Factors) -> Factors:
        """The sum of two updates; its k is the sum of theirs."""
        return Factors(torch.cat([self.up, other.up], 1), torch.cat([self.down, other.down]))

    def __rmul__(self, by: float) -> Factors:
        return Factors(by * self.up, self.down)


def has_adapter(vlm: VLM) -> bool:
    """Whether the trained weights are those of an adapter."""
    from peft import PeftModel

    return isinstance(vlm.model, PeftModel)


def factors(vlm: VLM) -> dict[str, Factors]:
    """A copy of the adapter's current update of each layer, by module name; `up` includes PEFT's scale."""
    return {
        name: Factors(
            layer.scaling[adapter] * layer.lora_B[adapter].weight.detach(),
            layer.lora_A[adapter].weight.detach().clone(),
        )
        for name, (layer, adapter) in _adapted(vlm).items()
    }


def set_factors(vlm: VLM, wanted: Mapping[str, Factors]) -> None:
    """Replace the adapter's update of some layers, by module name; saved files then have these ranks.

    Raises UserError for layers that the adapter does not have.
    """
    layers, config = _adapted(vlm), vlm.model.peft_config[vlm.model.active_adapter]
    check_targets(vlm, wanted)
    for name, one in wanted.items():
        layer, adapter = layers[name]
        rank = len(one.down)
        if one.up.shape != (layer.out_features, rank) or one.down.shape[1] != layer.in_features:
            raise ValueError(f"factors of {one.up.shape} and {one.down.shape} for layer {name!r}")
        _replace(layer.lora_A[adapter], one.down)
        _replace(layer.lora_B[adapter], one.up)
        layer.r[adapter] = rank
        layer.lora_alpha[adapter] = rank**0.5 if config.use_rslora else rank
        layer.scaling[adapter] = 1.0
    _declare_ranks(vlm)


def check_targets(vlm: VLM, layers: Iterable[str]) -> None:
    """Raise UserError if the adapter does not cover a layer that a method changes."""
    missing = sorted(set(layers) - _adapted(vlm).keys()) if has_adapter(vlm) else []
    if not missing:
        return
    fitting = [
        name
        for name, pattern in vlm.targets.items()
        if all(re.fullmatch(pattern, layer) for layer in missing)
    ]
    raise UserError(
        f"the adapter has no part in layer {missing[0]!r}"
        + (f" and {len(missing) - 1} more" if len(missing) > 1 else "")
        + " that would be changed; train the original with adapter targets that have them"
        + (f" ({' or '.join(fitting)})" if fitting else "")
    )


def base_weight(vlm: VLM, layer: str) -> Tensor:
    """A layer's weight (out, in) by module name, without the adapter's update; 4 bits are unpacked."""
    from peft.utils.integrations import dequantize_module_weight

    module: Any = vlm.model.get_submodule(layer)
    base = module.get_base_layer() if hasattr(module, "get_base_layer") else module
    found: Tensor = dequantize_module_weight(base).detach()
    return found


class _Layer(NamedTuple):
    module: Any
    adapter: str


def _adapted(vlm: VLM) -> dict[str, _Layer]:
    """The layers that have LoRA factors, by module name, with the adapter's name."""
    from peft.tuners.lora import LoraLayer

    adapter: str = vlm.model.active_adapter
    return {
        name: _Layer(module, adapter)
        for name, module in vlm.model.named_modules()
        if isinstance(module, LoraLayer) and adapter in module.lora_A
    }


def _replace(linear: nn.Linear, weight: Tensor) -> None:
    old = linear.weight
    linear.weight = nn.Parameter(weight.detach().to(old).contiguous(), old.requires_grad)
    linear.out_features, linear.in_features = weight.shape


def _declare_ranks(vlm: VLM) -> None:
    """Write the layers' ranks and scales into the configuration: the most common ones, and exceptions."""
    layers = _adapted(vlm)
    config = vlm.model.peft_config[vlm.model.active_adapter]
    found = {
        # PEFT matches a pattern with the end of a layer's name in the plain model
        re.escape(name.removeprefix("base_model.model.")): (one.r[adapter], one.lora_alpha[adapter])
        for name, (one, adapter) in layers.items()
    }
    (config.r, config.lora_alpha), _ = Counter(found.values()).most_common(1)[0]
    config.rank_pattern = {name: r for name, (r, _) in found.items() if r != config.r}
    config.alpha_pattern = {
        name: alpha for name, (_, alpha) in found.items() if alpha != config.lora_alpha
    }
