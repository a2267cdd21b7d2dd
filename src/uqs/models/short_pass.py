"""The tiny model's logits at its answers, in about two thirds of the time of the whole forward pass.

The three language layers take nearly all the time of a training step. This pass computes the same numbers,
except for their last bits: an adapter's update is added to the weight before the product, not to the result;
products with the same input are combined; and the last layer is computed only where the answers' logits need
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from peft.tuners.lora import layer as lora_layer
from torch import Tensor, nn
from torch.nn.functional import linear, rms_norm, scaled_dot_product_attention, silu

from uqs.models.fingerprint import records
from uqs.models.vlm import VLM, Batch


def fits(vlm: VLM) -> bool:
    """Whether the short pass gives the same as the model's own pass: float32 on the CPU, plain or with one
    plain LoRA adapter, without dropout, checkpointing, hooks on a language layer, or layers elsewhere."""
    if vlm.model.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        return False
    decoder, checkpointed = vlm.decoder, attrgetter("gradient_checkpointing")
    config = decoder.config
    if config.attention_bias or config.mlp_bias or config.attention_dropout:
        return False
    if config.num_key_value_heads != config.num_attention_heads or config.hidden_act != "silu":
        return False
    return not any(map(checkpointed, decoder.layers)) and all(map(_plain, decoder.modules()))


def _plain(module: nn.Module) -> bool:
    if hasattr(module, "_hf_hook"):  # its weights may be elsewhere
        return False
    for hooks in (module._forward_hooks, module._forward_pre_hooks):
        if hooks and not all(map(records, hooks.values())):
            return False
    if isinstance(module, LoraLayer):
        lora: Any = module
        return (
            type(lora) is lora_layer.Linear
            and type(lora.base_layer) is nn.Linear
            and not (lora.merged or lora.disable_adapters or lora.lora_variant)
            and len(lora.active_adapters) == 1
            and all(isinstance(one, nn.Identity) for one in lora.lora_dropout.values())
        )
    return not isinstance(module, nn.Linear) or module.weight.dtype == torch.float32


def answer_logits(vlm: VLM, batch: Batch) -> tuple[Tensor, Tensor]:
    """Like `VLM.answer_logits`, for a model that `fits`."""
    decoder, inputs = vlm.decoder, batch.inputs
    states = _embedded(vlm, inputs["input_ids"], inputs.get("pixel_values"))
    rows, width, _ = states.shape
    keep = slice(width - batch.answer_width - 1, width - 1)
    cos, sin = decoder.rotary_emb(states, inputs["position_ids"])
    turn = (cos[:, :, None], sin[:, :, None])
    seen = (
        torch.ones(width, width, dtype=torch.bool).tril() & inputs["attention_mask"].bool()[:, None]
    )
    # padding attends to itself, because a row without any key has no softmax
    seen = (seen | torch.eye(width, dtype=torch.bool))[:, None]
    for layer in decoder.layers[:-1]:
        states = _layer(layer, states, states, turn, turn, seen)
    last_turn = (turn[0][:, keep], turn[1][:, keep])
    states = _layer(decoder.layers[-1], states, states[:, keep], turn, last_turn, seen[:, :, keep])
    normed = _normed(decoder.norm, states).flatten(0, 1)
    logits = linear(normed, vlm.plain_model.get_output_embeddings().weight)
    return logits.view(rows, batch.answer_width, -1), batch.labels[:, -batch.answer_width :]


def _embedded(vlm: VLM, ids: Tensor, pixels: Tensor | None) -> Tensor:
    model = vlm.plain_model.model
    embedded: Tensor = model.get_input_embeddings()(ids)
    if pixels is None:
        return embedded
    features = torch.cat(model.get_image_features(pixels, return_dict=True).pooler_output)
    places = (ids == model.config.image_token_id)[..., None]
    return embedded.masked_scatter(places, features)


Turn = tuple[Tensor, Tensor]


def _layer(
    layer: Any, states: Tensor, asked: Tensor, turn: Turn, asked_turn: Turn, seen: Tensor
) -> Tensor:
    """A layer's states at the `asked` positions, (batch, k, width): all positions of `states` or some."""
    attention, norm = layer.self_attn, layer.input_layernorm
    rows, heads = len(states), states.shape[-1] // attention.head_dim
    normed = _normed(norm, states)
    q, k, v = attention.q_proj, attention.k_proj, attention.v_proj
    if asked is states:
        queries, keys, values = _products(normed, (q, k, v))
    else:
        queries = linear(_normed(norm, asked), _weight(q))
        keys, values = _products(normed, (k, v))
    queries, keys, values = (
        one.view(rows, -1, heads, attention.head_dim) for one in (queries, keys, values)
    )
    mixed = scaled_dot_product_attention(
        _turned(queries, asked_turn).transpose(1, 2),
        _turned(keys, turn).transpose(1, 2),
        values.transpose(1, 2),
        attn_mask=seen,
        scale=attention.scaling,
    )
    states = asked + linear(mixed.transpose(1, 2).flatten(2), _weight(attention.o_proj))
    gate, up = _products(
        _normed(layer.post_attention_layernorm, states), (layer.mlp.gate_proj, layer.mlp.up_proj)
    )
    return states + linear(silu(gate) * up, _weight(layer.mlp.down_proj))


def _products(states: Tensor, layers: Sequence[Any]) -> Sequence[Tensor]:
    weights = [_weight(layer) for layer in layers]
    together = linear(states, torch.cat(weights))
    parts: tuple[Tensor, ...] = together.split([len(one) for one in weights], dim=-1)
    return parts


def _weight(layer: Any) -> Tensor:
    """The effective weight of a linear layer; gradients reach the adapter through it."""
    if isinstance(layer, nn.Linear):
        return layer.weight
    (name,) = layer.active_adapters
    down, up = layer.lora_A[name].weight, layer.lora_B[name].weight
    return torch.addmm(layer.base_layer.weight, up, down, alpha=layer.scaling[name])


def _normed(norm: Any, states: Tensor) -> Tensor:
    return rms_norm(states, (states.shape[-1],), norm.weight, norm.variance_epsilon)


def _turned(states: Tensor, turn: Turn) -> Tensor:
    """Rotary positions, as in transformers: states (batch, k, heads, width), cosines (batch, k, 1, width)."""
    cos, sin = turn
    first, second = states.chunk(2, dim=-1)
    return states * cos + torch.cat((-second, first), dim=-1) * sin
