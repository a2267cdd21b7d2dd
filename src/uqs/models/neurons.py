"""The hidden units of the model's MLPs: how they act on questions, and how to remove some."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from uqs.errors import UserError
from uqs.models.adapter import (
    Factors,
    base_weight,
    check_targets,
    factors,
    has_adapter,
    set_factors,
)
from uqs.models.vlm import VLM, Encoding

LANGUAGE = re.compile(
    r"(.*\.)?((language_model|text_model|model)\.layers\.\d+\.mlp\.down_proj"
    r"|language_model\.model\.decoder\.layers\.\d+\.fc2)"
)
VISION = re.compile(
    r"(.*\.)?(vision_tower|vision_model|visual)\.(.+\.)?mlp\.(fc2|down_proj|linear_fc2)"
)
"""The output layer of an MLP, by module name, in the families of this room."""


class Activity(NamedTuple):
    """A layer's units z over tokens, (units,) each: means of |z|, z and z squared, and the share of tokens
    with |z| above a threshold. All are 0 if there was no token."""

    absolute: Tensor
    plain: Tensor
    squared: Tensor
    active: Tensor


def output_layers(vlm: VLM, patterns: Sequence[re.Pattern[str]]) -> list[str]:
    """The layers that match any of the patterns; their inputs are the units.

    Raises UserError if a pattern matches none.
    """
    names = [name for name, _ in vlm.model.named_modules()]
    found = []
    for pattern in patterns:
        known = [name for name in names if pattern.fullmatch(name)]
        if not known:
            raise UserError(
                f"no MLP is known by name in {type(vlm.plain_model).__name__} of family {vlm.name!r}"
            )
        found += known
    return found


def activity(
    vlm: VLM, layers: Sequence[str], encoded: Encoding, batch_size: int, threshold: float
) -> dict[str, Activity]:
    """The units of each layer over all tokens of questions and answers, including picture tokens.

    For a language layer padding is left out; a vision layer sees only picture tokens.
    """
    seen = {name: _Sums(threshold) for name in layers}
    for start in range(0, len(encoded), batch_size):
        indices = range(start, min(start + batch_size, len(encoded)))
        inputs = vlm.batch(encoded, indices).inputs
        with _listening(vlm, seen, inputs["attention_mask"].flatten() != 0), torch.no_grad():
            vlm.run({**inputs, "use_cache": False, "logits_to_keep": 1})
    return {
        name: sums.means(vlm.model.get_submodule(name).in_features) for name, sums in seen.items()
    }


class _Sums:
    """Running sums over tokens, kept in double precision."""

    def __init__(self, threshold: float) -> None:
        self.threshold, self.tokens = threshold, 0
        self.sums: Tensor | None = None

    def add(self, units: Tensor) -> None:
        """`units` is (tokens, units)."""
        size = units.abs()
        active = (size > self.threshold).sum(0)
        sums = torch.stack([size.sum(0), units.sum(0), units.square().sum(0), active]).double()
        self.sums = sums if self.sums is None else self.sums + sums
        self.tokens += len(units)

    def means(self, units: int) -> Activity:
        if self.sums is None:
            return Activity(*torch.zeros(4, units, dtype=torch.float64))
        return Activity(*(self.sums.cpu() / self.tokens))


@contextmanager
def _listening(vlm: VLM, seen: Mapping[str, _Sums], real: Tensor) -> Iterator[None]:
    """Sum up the inputs of the layers; `real` marks text tokens that are not padding."""
    hooks = [
        vlm.model.get_submodule(name).register_forward_pre_hook(
            partial(_add, sums, real if LANGUAGE.fullmatch(name) else None)
        )
        for name, sums in seen.items()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _add(sums: _Sums, real: Tensor | None, _layer: Any, inputs: tuple[Tensor, ...]) -> None:
    units = inputs[0].detach().float().flatten(0, -2)
    sums.add(units if real is None else units[real])


def top_share(scores: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """The positions with the largest scores, a share of those of all layers, at least one."""
    every = torch.cat(list(scores.values()))
    chosen = torch.zeros(len(every), dtype=torch.bool)
    chosen[every.topk(max(1, round(share * len(every)))).indices] = True
    parts = chosen.split([len(one) for one in scores.values()])
    return {layer: part.nonzero().flatten() for layer, part in zip(scores, parts, strict=True)}


def remove(vlm: VLM, units: Mapping[str, Tensor]) -> None:
    """Remove chosen units (positions among a layer's inputs), by module name of the layer.

    Their columns of the effective weight become 0. An adapter's update is then BA without those columns,
    minus those columns of the base's weight W; its rank is r + the number of units. Raises UserError if the
    adapter does not have such a layer.
    """
    units = {name: places for name, places in units.items() if len(places)}
    check_targets(vlm, units)
    if has_adapter(vlm):
        now = factors(vlm)
        set_factors(vlm, {name: _without(vlm, name, now[name], units[name]) for name in units})
        return
    with torch.no_grad():
        for name, places in units.items():
            weight = vlm.model.get_submodule(name).weight
            weight[:, places.to(weight.device)] = 0


def _without(vlm: VLM, layer: str, update: Factors, places: Tensor) -> Factors:
    weight = base_weight(vlm, layer).to(update.up)
    places = places.to(weight.device)
    chosen = torch.zeros(len(places), weight.shape[1]).to(weight)
    chosen[torch.arange(len(places)), places] = 1
    down = update.down.index_fill(1, places, 0)
    return Factors(update.up, down) + Factors(-weight[:, places], chosen)
