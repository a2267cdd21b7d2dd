"""One pass over a model and a split: everything expensive happens here, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import log_softmax

from uqs.models.vlm import VLM, Encoded
from uqs.records import Split
from uqs.traces.trace import Trace


@dataclass(frozen=True)
class TraceSettings:
    """`layers` are hidden states counted from the end; greedy answers stop at `max_new_tokens`."""

    batch_size: int = 128
    max_new_tokens: int = 8
    layers: tuple[int, ...] = (-1, -2)


@dataclass(frozen=True)
class _Forced:
    """One sample with its gold answer given: (k, vocabulary) log-probabilities, (width,) a layer."""

    log_probs: torch.Tensor
    activations: tuple[torch.Tensor, ...]


def trace_split(vlm: VLM, split: Split, settings: TraceSettings) -> Trace:
    """Trace every sample of the split. The values do not depend on the order of the samples."""
    encoded = vlm.encode(split.samples)
    order = sorted(
        range(len(encoded)), key=lambda i: (len(encoded.prompts[i]), encoded.prompts[i], i)
    )
    forced: dict[int, _Forced] = {}
    answers: dict[int, str] = {}
    with torch.inference_mode():
        for start in range(0, len(order), settings.batch_size):
            indices = order[start : start + settings.batch_size]
            forced |= zip(indices, _teacher_force(vlm, encoded, indices, settings), strict=True)
            answers |= zip(indices, greedy_answers(vlm, encoded, indices, settings), strict=True)
    n = len(encoded)
    gold = [encoded.answers[i][:-1] for i in range(n)]
    return Trace(
        split=split.name,
        ids=tuple(s.id for s in split.samples),
        entities=tuple(s.entity for s in split.samples),
        tasks=tuple(s.task for s in split.samples),
        golds=tuple(s.answer for s in split.samples),
        answers=tuple(answers[i] for i in range(n)),
        offsets=np.cumsum([0, *map(len, gold)]).astype(np.int64),
        gold_ids=np.concatenate([np.asarray(ids, dtype=np.int64) for ids in gold]),
        log_probs=torch.cat([forced[i].log_probs for i in range(n)]).numpy(),
        activations={
            layer: torch.stack([forced[i].activations[k] for i in range(n)]).numpy()
            for k, layer in enumerate(settings.layers)
        },
    )


def _teacher_force(
    vlm: VLM, encoded: Encoded, indices: Sequence[int], settings: TraceSettings
) -> list[_Forced]:
    batch = vlm.batch(encoded, indices)
    out = vlm.model(
        **batch.inputs,
        logits_to_keep=batch.answer_width + 1,
        output_hidden_states=True,
        use_cache=False,
    )
    log_probs = log_softmax(out.logits[:, :-1].float(), dim=-1).cpu()
    forced = []
    for row, index in enumerate(indices):
        tokens = len(encoded.answers[index]) - 1  # the end mark is no answer token
        forced.append(
            _Forced(
                log_probs[row, -tokens - 1 : -1],
                tuple(
                    out.hidden_states[layer][row, -tokens - 1 : -1].float().mean(0).cpu()
                    for layer in settings.layers
                ),
            )
        )
    return forced


def greedy_answers(
    vlm: VLM, encoded: Encoded, indices: Sequence[int], settings: TraceSettings
) -> list[str]:
    """The model's own answers as text, without special tokens."""
    batch = vlm.batch(encoded, indices, answers=False)
    inputs = {name: value for name, value in batch.inputs.items() if name != "position_ids"}
    out = vlm.model.generate(
        **inputs, do_sample=False, num_beams=1, max_new_tokens=settings.max_new_tokens
    )
    new = out[:, batch.inputs["input_ids"].shape[1] :]
    return [text.strip() for text in vlm.tokenizer.batch_decode(new, skip_special_tokens=True)]
