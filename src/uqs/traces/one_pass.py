"""One pass over a model and a split: everything expensive happens here, once.

A batch's prompts, except their last tokens, are read once into a key-value cache. From there the pass
continues with the last prompt token and (1) the gold answer, for all gold readings, (2) each plausible wrong
answer, for its likelihood, (3) the model's own tokens, for the greedy answer. A classifier has no prompt; it
looks at the pictures once, and everything is read from that (`glance`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

from uqs.errors import UserError
from uqs.models.context import check_context
from uqs.models.encodings import answer_lengths
from uqs.models.encodings import encoded as encoded_once
from uqs.models.image_classifier import ImageClassifier
from uqs.models.merged import merged
from uqs.models.vlm import VLM, Encoding
from uqs.records import Sample, Split
from uqs.traces import readings
from uqs.traces.glance import Looked, look
from uqs.traces.prefix import Prefix, greedy, read_prompts
from uqs.traces.settings import TraceSettings
from uqs.traces.trace import Trace, join

__all__ = ["HalvedBatch", "TraceSettings", "trace_parts", "trace_split"]

UNJUDGED = frozenset({"fluent", "answers_of_model", "answers_of_oracle"})
"""Splits whose answers are used only for their likelihood, not compared with greedy answers."""


@dataclass(frozen=True)
class HalvedBatch:
    """A batch that did not fit into memory and was processed in two halves."""

    split: str
    samples: int
    tokens: int


@dataclass
class _WindowReadings:
    """The readings of a window, by sample."""

    gold: dict[int, readings.Gold] = field(default_factory=dict)
    candidates: dict[int, list[float]] = field(default_factory=dict)
    answers: dict[int, str] = field(default_factory=dict)


def trace_split(
    vlm: VLM,
    split: Split,
    settings: TraceSettings,
    halved: Callable[[HalvedBatch], None] = lambda _: None,
) -> Trace:
    """Trace every sample of the split, all in memory. Values do not depend on the order of the samples."""
    return join(list(trace_parts(vlm, split, settings, halved)))


def trace_parts(
    vlm: VLM,
    split: Split,
    settings: TraceSettings,
    halved: Callable[[HalvedBatch], None] = lambda _: None,
) -> Iterator[Trace]:
    """The trace in consecutive parts of `window` batches; memory does not grow with the split.

    `halved` is called for every batch that did not fit into memory. Raises UserError if a single sample does
    not fit, if a question is too long to be read and answered, or if its right answer has more than
    `max_new_tokens` tokens.
    """
    _check_answers(vlm, split, settings.max_new_tokens)
    size = settings.window * settings.batch_size
    windows = [split.samples[start : start + size] for start in range(0, len(split), size)]
    for samples, encoded in _encoded(vlm, windows, settings):
        found = _WindowReadings()
        with torch.inference_mode(), merged(vlm):
            for rows in _batches(encoded, settings):
                _trace_or_halve(vlm, encoded, rows, settings, split.name, halved, found)
        yield _part(vlm, split.name, samples, encoded, found, settings)


def _check_answers(vlm: VLM, split: Split, limit: int) -> None:
    """Raise UserError if a right answer, without its end mark, has more tokens than `limit`.

    No model could answer such a question correctly, so every model would seem to have forgotten it.
    """
    if split.name in UNJUDGED or not split.samples:
        return
    lengths = answer_lengths(vlm, split.samples)
    longest = max(range(len(lengths)), key=lengths.__getitem__)
    if lengths[longest] > limit:
        raise UserError(
            f"split {split.name!r}, sample {split.samples[longest].id!r}: its answer has "
            f"{lengths[longest]} tokens, but a model may give at most {limit}, so it could "
            "never be right; raise max_new_tokens"
        )


def _encoded(
    vlm: VLM, windows: Sequence[Sequence[Sample]], settings: TraceSettings
) -> Iterator[tuple[Sequence[Sample], Encoding]]:
    """Windows with their token ids and pictures; up to `workers` are prepared ahead."""
    workers = settings.workers
    encoding = vlm.encode if workers else partial(encoded_once, vlm)

    def encode(samples: Sequence[Sample]) -> Encoding:
        found = encoding(samples)
        check_context(vlm, samples, found, settings.max_new_tokens)
        return found

    if workers == 0:
        for samples in windows:
            yield samples, encode(samples)
        return
    with ThreadPoolExecutor(workers) as pool:
        ahead: deque[tuple[Sequence[Sample], Future[Encoding]]] = deque()
        for samples in windows:
            ahead.append((samples, pool.submit(encode, samples)))
            if len(ahead) > workers:
                done, encoded = ahead.popleft()
                yield done, encoded.result()
        for done, encoded in ahead:
            yield done, encoded.result()


def _batches(encoded: Encoding, settings: TraceSettings) -> Iterator[list[int]]:
    """Batches of similar prompt length, within both limits."""
    lengths = [len(prompt) for prompt in encoded.prompts]
    batch: list[int] = []
    for i in sorted(range(len(encoded)), key=lambda i: (lengths[i], encoded.prompts[i], i)):
        full = len(batch) == settings.batch_size
        if batch and (full or (len(batch) + 1) * lengths[i] > settings.batch_tokens):
            yield batch
            batch = []
        batch.append(i)
    yield batch


def _trace_or_halve(
    vlm: VLM,
    encoded: Encoding,
    rows: list[int],
    settings: TraceSettings,
    split: str,
    halved: Callable[[HalvedBatch], None],
    found: _WindowReadings,
) -> None:
    try:
        _trace_rows(vlm, encoded, rows, settings, found)
        return
    except (torch.OutOfMemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
    # outside the handler, so that the failed batch's tensors are free by now
    width = max(len(encoded.prompts[i]) for i in rows)
    if len(rows) == 1:
        raise UserError(
            f"split {split!r}: one sample of {width} prompt tokens does not fit into memory"
        )
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    halved(HalvedBatch(split, len(rows), width))
    middle = len(rows) // 2
    for half in (rows[:middle], rows[middle:]):
        _trace_or_halve(vlm, encoded, half, settings, split, halved, found)


def _is_out_of_memory(error: Exception) -> bool:
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError) or (
        "out of memory" in text or "can't allocate memory" in text or "ALLOC_FAILED" in text
    )


def _trace_rows(
    vlm: VLM,
    encoded: Encoding,
    rows: Sequence[int],
    settings: TraceSettings,
    found: _WindowReadings,
) -> None:
    if isinstance(vlm, ImageClassifier):
        prefix: Prefix | Looked = look(vlm, encoded, rows)
        limit = 1
    else:
        prefix = read_prompts(vlm, encoded, rows, settings.padding)
        limit = settings.max_new_tokens
    layers = settings.layers_of(vlm.hidden_states)
    answers = [encoded.answers[i] for i in rows]
    read = readings.gold(vlm, prefix, answers, layers, settings)
    wrong = [[answer[:-1] for answer in encoded.wrong[i]] for i in rows]
    losses = _candidate_losses(prefix, wrong, read.first)
    texts = greedy(vlm, prefix, [a[:-1] for a in answers], read.says, limit)
    found.gold |= zip(rows, read.golds, strict=True)
    found.candidates |= zip(rows, losses, strict=True)
    found.answers |= zip(rows, texts, strict=True)


def _candidate_losses(
    prefix: Prefix | Looked, wrong: Sequence[Sequence[Sequence[int]]], first: torch.Tensor
) -> list[list[float]]:
    """Minus mean log-probability per token of each row's wrong answers.

    A wrong answer of one token is read from the distribution of the `first` token, (batch, vocabulary);
    longer ones are read after the prompt, one per row at a time.
    """
    losses = [[0.0] * len(some) for some in wrong]
    long: list[list[int]] = [[] for _ in wrong]
    for row, some in enumerate(wrong):
        for number, tokens in enumerate(some):
            if len(tokens) == 1:
                losses[row][number] = -float(first[row, tokens[0]])
            else:
                long[row].append(number)
    for turn in range(max(map(len, long), default=0)):
        having = [row for row, numbers in enumerate(long) if turn < len(numbers)]
        part = prefix if len(having) == len(wrong) else prefix.select(having)
        given = [wrong[row][long[row][turn]] for row in having]
        for row, loss in zip(having, readings.losses(part, given), strict=True):
            losses[row][long[row][turn]] = loss
    return losses


def _part(
    vlm: VLM,
    split: str,
    samples: Sequence[Sample],
    encoded: Encoding,
    found: _WindowReadings,
    settings: TraceSettings,
) -> Trace:
    n = len(samples)
    golds = [found.gold[i] for i in range(n)]
    layers = settings.layers_of(vlm.hidden_states)
    with_lens = [layer for layer in layers if vlm.has_lens(layer)]
    whole = golds[0].top_log_probs.shape[1] == golds[0].vocabulary
    by_position = partial(_stacked, golds, np.concatenate)
    by_sample = partial(_stacked, golds, np.stack)
    ids = [encoded.answers[i][:-1] for i in range(n)]
    return Trace(
        split=split,
        ids=tuple(s.id for s in samples),
        entities=tuple(s.entity for s in samples),
        tasks=tuple(s.task for s in samples),
        pictured=tuple(s.picture is not None for s in samples),
        golds=tuple(s.answer for s in samples),
        answers=tuple(found.answers[i] for i in range(n)),
        candidates=tuple(s.wrong for s in samples),
        options=tuple(s.options for s in samples),
        vocabulary=golds[0].vocabulary,
        offsets=np.cumsum([0, *map(len, ids)]).astype(np.int64),
        gold_ids=np.concatenate([np.asarray(one, dtype=np.int64) for one in ids]),
        gold_log_probs=by_position("log_probs"),
        gold_ranks=by_position("ranks"),
        means=by_position("means"),
        variances=by_position("variances"),
        top_ids=np.empty((0, 0), dtype=np.int32) if whole else by_position("top_ids"),
        top_log_probs=by_position("top_log_probs"),
        tail_masses=by_position("tail_masses"),
        gradient_norms=by_sample("gradient_norm").astype(np.float32),
        candidate_losses=np.array(
            [loss for i in range(n) for loss in found.candidates[i]], dtype=np.float32
        ),
        answer_activations=dict(
            zip(layers, by_sample("answer_activations").swapaxes(0, 1), strict=True)
        ),
        prompt_activations=dict(
            zip(layers, by_sample("prompt_activations").swapaxes(0, 1), strict=True)
        ),
        lens_log_probs=dict(zip(with_lens, by_sample("lens_log_probs").T, strict=True)),
        lens_ranks=dict(zip(with_lens, by_sample("lens_ranks").T, strict=True)),
    )


def _stacked(golds: Sequence[readings.Gold], stack: Callable[..., Any], name: str) -> Any:
    return stack([getattr(one, name) for one in golds])
