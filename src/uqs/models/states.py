"""Hidden states, computed only up to the requested language layer."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from uqs.models.vlm import VLM, Batch


class States(NamedTuple):
    """States (batch, tokens, width): the input of the first language layer, with pictures as projected
    features, and the output of the requested language layer."""

    read: Tensor
    made: Tensor


class Tokens(NamedTuple):
    """Which tokens of a batch are text and which belong to a picture, (batch, tokens); padding is neither."""

    text: Tensor
    picture: Tensor


class _ReachedError(Exception):
    """The forward pass has reached the requested layer."""


def states_at(vlm: VLM, batch: Batch, layer: int, first: int = 1) -> States:
    """The states after language layer `layer`, counted from 1; with 0, `made` equals `read`.

    Later layers and the output layer are not computed. Gradients of `made` reach only the weights of the
    language layers from `first` on; those of `read` reach everything before it.
    """
    found: dict[str, Tensor] = {}

    def reading(_module: Any, _given: Any, inputs: dict[str, Any]) -> None:
        found["read"] = found["made"] = inputs["inputs_embeds"]
        if layer == 0:
            raise _ReachedError

    def cutting(_module: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
        return (given[0].detach(), *given[1:])

    def making(_module: Any, _given: Any, output: Any) -> None:
        found["made"] = output[0] if isinstance(output, tuple) else output
        raise _ReachedError

    hooks = [vlm.decoder.register_forward_pre_hook(reading, with_kwargs=True)]
    if layer:
        layers = vlm.decoder.layers
        hooks.append(layers[first - 1].register_forward_pre_hook(cutting))
        hooks.append(layers[layer - 1].register_forward_hook(making))
    try:
        vlm.run({**batch.inputs, "use_cache": False})
    except _ReachedError:
        return States(**found)
    finally:
        for hook in hooks:
            hook.remove()
    raise RuntimeError(f"the forward pass left out language layer {layer}")


def tokens_of(vlm: VLM, batch: Batch) -> Tokens:
    """The text tokens of questions and answers, and the pictures' tokens."""
    ids, mark = batch.inputs["input_ids"], vlm.picture_token_id
    picture = torch.zeros_like(ids, dtype=torch.bool) if mark is None else ids == mark
    return Tokens(batch.inputs["attention_mask"].bool() & ~picture, picture)
