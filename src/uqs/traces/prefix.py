"""Prompts read once into a key-value cache, and continuations from it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from uqs.models.vlm import VLM, Encoding
from uqs.traces.glance import Looked


@dataclass(frozen=True)
class Prefix:
    """Prompts of a batch without their last tokens.

    `mask` (batch, width) is 1 where the cache has a prompt's token; `last` (batch,) are the last prompt
    tokens and `position` (batch,) their positions.
    """

    vlm: VLM
    cache: Any
    mask: Tensor
    last: Tensor
    position: Tensor

    def __len__(self) -> int:
        return len(self.last)

    def select(self, rows: Sequence[int]) -> Prefix:
        """The prefix of some rows; this object is not changed."""
        index = torch.tensor(rows, device=self.mask.device)
        cache = fork(self.cache)
        cache.batch_select_indices(index)
        return Prefix(self.vlm, cache, self.mask[index], self.last[index], self.position[index])

    def follow(self, tokens: Tensor, mask: Tensor, *, hidden_states: bool = False) -> Any:
        """The model's output at the last prompt token and at the `tokens` (batch, k) after it.

        `mask` (batch, k) is 0 on padding after a row's tokens. The cache is not changed.
        """
        ids = torch.cat([self.last[:, None], tokens], dim=1)
        seen = torch.cat([self.mask, torch.ones_like(self.last[:, None]), mask], dim=1)
        out = step(self.vlm, self.cache, ids, seen, self.position, hidden_states)
        self.cache.crop(-ids.shape[1])
        return out


def step(
    vlm: VLM,
    cache: Any,
    ids: Tensor,
    mask: Tensor,
    position: Tensor,
    hidden_states: bool = False,
    keep: int = 0,
) -> Any:
    """One forward pass over more tokens (batch, k); the first ones are at `position` (batch,).

    `keep`: return logits only for that many last positions; 0 returns all.
    """
    places = position[:, None] + torch.arange(ids.shape[1], device=ids.device)
    if vlm.position_axes > 1:
        places = places.expand(vlm.position_axes, -1, -1)
    return vlm.run(
        {
            "input_ids": ids,
            "attention_mask": mask,
            "position_ids": places,
            "past_key_values": cache,
            "use_cache": True,
            "output_hidden_states": hidden_states,
            "logits_to_keep": keep,
        }
    )


def fork(cache: Any) -> Any:
    """A cache that grows on its own; the tensors so far are shared."""
    other = copy.copy(cache)
    other.layers = [copy.copy(layer) for layer in cache.layers]
    return other


def read_prompts(
    vlm: VLM, encoded: Encoding, rows: Sequence[int], padding: Literal["left", "right"]
) -> Prefix:
    """Read the prompts of some samples, without their last tokens, in one forward pass.

    If earlier tokens see the last one, it is read too, and then taken out of the cache again: it sees the
    same as at the end of a plain pass. It must be at the end for that, so padding is then on the left.
    """
    from transformers import DynamicCache

    prompts = [encoded.prompts[i] for i in rows]
    last_too = int(vlm.reads_both_ways)
    width = max(map(len, prompts)) - 1 + last_too
    if min(map(len, prompts)) < 2:
        raise ValueError("a prompt needs at least two tokens")
    ids = torch.full((len(rows), width), vlm.tokenizer.pad_token_id)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    places = torch.zeros((vlm.position_axes, len(rows), width), dtype=torch.long)
    position = torch.empty(len(rows), dtype=torch.long)
    for row, (index, prompt) in enumerate(zip(rows, prompts, strict=True)):
        length = len(prompt) - 1 + last_too
        at = slice(width - length, width) if padding == "left" or last_too else slice(0, length)
        shown = encoded.pictures[encoded.picture[index]] if encoded.picture[index] >= 0 else None
        stands = vlm.prompt_positions(prompt, shown)
        ids[row, at], mask[row, at] = torch.tensor(prompt[:length]), 1
        places[:, row, at] = stands[..., :length]
        position[row] = stands[..., -1].max()
    device = vlm.device
    inputs = {
        "input_ids": ids,
        "attention_mask": mask,
        "position_ids": places[0] if vlm.position_axes == 1 else places,
        **vlm.extra_inputs(ids),
        **{
            name: tensor.to(vlm.model.dtype) if tensor.is_floating_point() else tensor
            for name, tensor in encoded.shown(rows).items()
        },
    }
    inputs = {name: tensor.to(device) for name, tensor in inputs.items()}
    cache = DynamicCache(config=vlm.plain_model.config.get_text_config(decoder=True))
    with _until_the_cache_is_full(vlm):
        vlm.run({**inputs, "past_key_values": cache, "use_cache": True, "logits_to_keep": 1})
    last = torch.tensor([prompt[-1] for prompt in prompts], device=device)
    seen = inputs["attention_mask"]
    if last_too:
        cache.crop(-1)
        seen = seen[:, :-1]
    return Prefix(vlm, cache, seen, last, position.to(device))


class _FullError(Exception):
    """Every layer has its keys and values."""


@contextmanager
def _until_the_cache_is_full(vlm: VLM) -> Iterator[None]:
    """End the pass after the last layer's attention: nothing later goes into the cache."""

    def stop(*_: Any) -> None:
        raise _FullError

    hook = vlm.decoder.layers[-1].self_attn.register_forward_hook(stop)
    try:
        yield
    except _FullError:
        pass
    finally:
        hook.remove()


def right_padded(rows: Sequence[Sequence[int]], pad: int, device: Any) -> tuple[Tensor, Tensor]:
    """Rows of tokens as one (batch, k) tensor, and its mask."""
    width = max(map(len, rows))
    ids = torch.full((len(rows), width), pad)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for row, tokens in enumerate(rows):
        if tokens:
            ids[row, : len(tokens)], mask[row, : len(tokens)] = torch.tensor(tokens), 1
    return ids.to(device), mask.to(device)


def greedy(
    vlm: VLM,
    prefix: Prefix | Looked,
    gold: Sequence[Sequence[int]],
    says: Sequence[Sequence[int]],
    limit: int,
) -> list[str]:
    """Greedy answers of at most `limit` tokens as text, without special tokens.

    `says[row]`: the likeliest tokens at each position of the gold answer and after it. If they are the gold
    answer and an end mark, the greedy answer is known; the other rows are decoded token by token.
    """
    tokens: list[list[int]] = [[] for _ in gold]
    open_rows = []
    ends = set(vlm.end_ids)
    for row, (wanted, said) in enumerate(zip(gold, says, strict=True)):
        if said[0] in ends:
            continue
        open_ended = len(wanted) > limit or not ends.isdisjoint(wanted)
        if list(wanted) == said[:-1] and said[-1] in ends and not open_ended:
            tokens[row] = list(wanted)
        else:
            tokens[row] = [said[0]]
            if limit > 1:
                open_rows.append(row)
    if open_rows and isinstance(prefix, Prefix):
        # the cache is not needed after this: no copy if every row continues
        part = prefix if len(open_rows) == len(prefix) else prefix.select(open_rows)
        _decode(part, [tokens[row] for row in open_rows], limit)
    texts: list[str] = vlm.tokenizer.batch_decode(tokens, skip_special_tokens=True)
    return [text.strip() for text in texts]


def _decode(prefix: Prefix, tokens: list[list[int]], limit: int) -> None:
    """Append greedy tokens to each row's first one, in place, until an end mark or the limit."""
    vlm, cache, position = prefix.vlm, prefix.cache, prefix.position
    ends = torch.tensor(vlm.end_ids, device=position.device)
    begun = torch.tensor([one[0] for one in tokens], device=position.device)
    ids = torch.stack([prefix.last, begun], dim=1)
    mask = torch.cat([prefix.mask, torch.ones_like(ids)], dim=1)
    going = list(range(len(tokens)))
    for _ in range(limit - 1):
        likeliest = step(vlm, cache, ids, mask, position, keep=1).logits[:, -1].argmax(-1)
        position = position + ids.shape[1]
        kept = (~torch.isin(likeliest, ends)).nonzero()[:, 0]
        if len(kept) == 0:
            return
        if len(kept) < len(going):
            cache.batch_select_indices(kept)
            mask, position, likeliest = mask[kept], position[kept], likeliest[kept]
            going = [going[i] for i in kept.tolist()]
        for row, token in zip(going, likeliest.tolist(), strict=True):
            tokens[row].append(token)
        ids = likeliest[:, None]
        mask = torch.cat([mask, torch.ones_like(ids)], dim=1)
