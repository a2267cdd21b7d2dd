"""Reads a model's outputs at the gold answer and at other given answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import log_softmax

from uqs.models.vlm import VLM
from uqs.traces.glance import Looked
from uqs.traces.prefix import Prefix, right_padded
from uqs.traces.settings import TraceSettings

NUMBERS_AT_ONCE = 2**25
"""Number of float32 values in one piece of work: 128 MiB."""


@dataclass(frozen=True)
class Gold:
    """Readings at one sample's gold answer, as in the arrays of a `Trace`: (k,) by position, (layers, width)
    and (layers,) by layer; the lens only of layers that have one."""

    vocabulary: int
    log_probs: NDArray[np.float32]
    ranks: NDArray[np.int64]
    means: NDArray[np.float32]
    variances: NDArray[np.float32]
    top_ids: NDArray[np.int32]
    top_log_probs: NDArray[np.float32]
    tail_masses: NDArray[np.float32]
    gradient_norm: NDArray[np.float32]
    answer_activations: NDArray[np.float32]
    prompt_activations: NDArray[np.float32]
    lens_log_probs: NDArray[np.float32]
    lens_ranks: NDArray[np.int64]


class GoldReadings(NamedTuple):
    """Readings at the gold answers. Per sample: all values, and the likeliest token at each position and
    after the last one. Per batch: the log-probabilities (batch, vocabulary) of the first token."""

    golds: list[Gold]
    says: list[list[int]]
    first: Tensor


def gold(
    vlm: VLM,
    prefix: Prefix | Looked,
    answers: Sequence[Sequence[int]],
    layers: Sequence[int],
    settings: TraceSettings,
) -> GoldReadings:
    """Read everything at the gold answers (with end marks, because they are predicted too)."""
    tokens = [list(answer[:-1]) for answer in answers]
    lengths = [len(one) for one in tokens]
    ids, mask = right_padded(tokens, vlm.tokenizer.pad_token_id, prefix.mask.device)
    out = prefix.follow(ids, mask, hidden_states=True)
    said = out.logits.argmax(-1).tolist()
    says = [one[: length + 1] for one, length in zip(said, lengths, strict=True)]
    columns = _at_positions(out, tokens, settings)
    columns |= _at_layers(vlm, out, mask, ids[:, 0], layers)
    golds = [
        Gold(out.logits.shape[-1], **{name: values[row] for name, values in columns.items()})
        for row in range(len(tokens))
    ]
    return GoldReadings(golds, says, log_softmax(out.logits[:, 0].float(), dim=-1))


def losses(prefix: Prefix | Looked, answers: Sequence[Sequence[int]]) -> list[float]:
    """Minus mean log-probability per token (nats) of given answers, without end marks."""
    ids, mask = right_padded(answers, prefix.vlm.tokenizer.pad_token_id, prefix.mask.device)
    logits = prefix.follow(ids, mask).logits
    found = []
    for rows in _pieces([len(answer) for answer in answers], logits.shape[-1]):
        row, position, token, sample = _places(rows, answers, logits.device)
        log_probs = log_softmax(logits[row, position].float(), dim=-1)
        given = log_probs.gather(1, token[:, None])[:, 0]
        sums = torch.zeros(len(rows), device=given.device).index_add(0, sample, given)
        counts = torch.bincount(sample, minlength=len(rows))
        found += (-sums / counts).tolist()
    return found


def _pieces(lengths: Sequence[int], vocabulary: int) -> Iterator[range]:
    """Split rows into consecutive pieces of work, by number of logits and of position pairs."""
    start, positions = 0, 0
    for row, length in enumerate(lengths):
        wide = max(vocabulary, positions + length)
        if row > start and (positions + length) * wide > NUMBERS_AT_ONCE:
            yield range(start, row)
            start, positions = row, 0
        positions += length
    yield range(start, len(lengths))


def _places(
    rows: range, answers: Sequence[Sequence[int]], device: Any
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Row, position and token of every answer token, and its sample's number within the piece."""
    places = [
        (row, position, token, row - rows.start)
        for row in rows
        for position, token in enumerate(answers[row])
    ]
    row, position, token, sample = torch.tensor(places, device=device).T
    return row, position, token, sample


def _at_positions(
    out: Any, answers: Sequence[Sequence[int]], settings: TraceSettings
) -> dict[str, list[Any]]:
    """By column name: each sample's values over positions, and its gradient norm."""
    lengths = [len(answer) for answer in answers]
    vocabulary = out.logits.shape[-1]
    whole = vocabulary <= max(settings.whole_vocabulary, settings.top_k)
    columns: dict[str, list[Any]] = {}
    for rows in _pieces(lengths, vocabulary):
        row, position, token, sample = _places(rows, answers, out.logits.device)
        log_probs = log_softmax(out.logits[row, position].float(), dim=-1)
        probs = log_probs.exp()
        given = log_probs.gather(1, token[:, None])
        means = (probs * log_probs).sum(-1)
        if whole:
            top, top_ids = log_probs, torch.empty(len(row), 0, dtype=torch.long)
            tail = torch.zeros_like(means)
        else:
            top, top_ids = log_probs.topk(settings.top_k, dim=-1)
            tail = probs.scatter(1, top_ids, 0).sum(-1)
        by_position = {
            "log_probs": given[:, 0],
            "ranks": _ranks(log_probs, token),
            "means": means,
            "variances": (probs * (log_probs - means[:, None]).square()).sum(-1),
            "top_ids": top_ids.int(),
            "top_log_probs": top,
            "tail_masses": tail,
        }
        ends = np.cumsum([lengths[i] for i in rows])[:-1]
        for name, values in by_position.items():
            columns.setdefault(name, []).extend(np.split(values.cpu().numpy(), ends))
        states = out.hidden_states[-1][row, position].float()
        norms = _gradient_norms(probs, token, states, sample)
        columns.setdefault("gradient_norm", []).extend(norms.cpu().numpy())
    return columns


def _ranks(log_probs: Tensor, token: Tensor) -> Tensor:
    """The rank of a token, (rows,): the number of likelier tokens, plus equally likely ones that come earlier
    in the vocabulary. Greedy decoding takes rank 0."""
    given = log_probs.gather(1, token[:, None])
    earlier = torch.arange(log_probs.shape[1], device=token.device) < token[:, None]
    return ((log_probs > given) | ((log_probs == given) & earlier)).sum(-1)


def _gradient_norms(probs: Tensor, token: Tensor, states: Tensor, sample: Tensor) -> Tensor:
    """Frobenius norm of the gradient of each sample's mean loss with respect to the output layer's weights.

    The gradient is the mean over positions of (p - 1[token]) h^T. Its squared norm is a sum of products of
    inner products, so no matrix of the layer's size is made.
    """
    errors = probs.scatter_add(
        1, token[:, None], -torch.ones_like(token[:, None], dtype=probs.dtype)
    )
    together = sample[:, None] == sample[None, :]
    products = (errors @ errors.T) * (states @ states.T) * together
    samples = int(sample[-1]) + 1
    sums = torch.zeros(samples, device=probs.device).index_add(0, sample, products.sum(1))
    return sums.clamp(min=0).sqrt() / torch.bincount(sample, minlength=samples)


def _at_layers(
    vlm: VLM, out: Any, mask: Tensor, first: Tensor, layers: Sequence[int]
) -> dict[str, Any]:
    """By column name: activations (samples, layers, width) and lens readings (samples, layers)."""
    answer, prompt, lens, ranks = [], [], [], []
    weights = (mask / mask.sum(1, keepdim=True))[..., None]
    for layer in layers:
        states = out.hidden_states[layer]
        answer.append((states[:, 1:].float() * weights).sum(1))
        prompt.append(states[:, 0].float())
        if not vlm.has_lens(layer):
            continue
        log_probs = log_softmax(vlm.lens(states[:, 0], layer).float(), dim=-1)
        given = log_probs.gather(1, first[:, None])
        lens.append(given[:, 0])
        ranks.append(_ranks(log_probs, first))
    columns = {
        "answer_activations": answer,
        "prompt_activations": prompt,
        "lens_log_probs": lens,
        "lens_ranks": ranks,
    }
    return {name: torch.stack(parts, dim=1).cpu().numpy() for name, parts in columns.items()}
