"""Losses that several methods share; all cover only answer tokens, never prompts and pictures."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div, log_softmax

from uqs.models.reference import Reference
from uqs.models.vlm import IGNORED, VLM, Batch


def answer_cross_entropy(vlm: VLM, batch: Batch) -> Tensor:
    """Mean cross-entropy (nats) over the answer tokens of the batch."""
    logits, labels = vlm.answer_logits(batch)
    return cross_entropy(_in_full(logits).flatten(0, 1), labels.flatten(), ignore_index=IGNORED)


def answer_log_likelihoods(vlm: VLM, batch: Batch) -> Tensor:
    """Log-likelihood (nats) of each answer, (batch,): the sum over its tokens."""
    logits, labels = vlm.answer_logits(batch)
    losses = cross_entropy(
        _in_full(logits).flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="none"
    )
    return -losses.view_as(labels).sum(1)


def answer_lengths(batch: Batch) -> Tensor:
    """Number of tokens of each answer with its end mark, (batch,)."""
    return (batch.labels != IGNORED).sum(1)


def answer_log_probs(vlm: VLM, batch: Batch) -> Tensor:
    """Log-probabilities of the whole vocabulary at each answer token, (answer tokens, vocabulary)."""
    logits, labels = vlm.answer_logits(batch)
    return log_softmax(_in_full(logits[labels != IGNORED]), dim=-1)


def reference_log_probs(vlm: VLM, reference: Reference, batch: Batch) -> Tensor:
    """`answer_log_probs` of the frozen reference."""
    with reference.in_place():
        return answer_log_probs(vlm, batch)


def kl_divergence(p: Tensor, q: Tensor) -> Tensor:
    """Mean over rows of KL(p || q) in nats; both are log-probabilities, (rows, vocabulary)."""
    return kl_div(q, p, reduction="batchmean", log_target=True)


def _in_full(logits: Tensor) -> Tensor:
    """Cast to at least float32: in 16 bits a sum over a vocabulary loses too much."""
    return logits if logits.dtype == torch.float64 else logits.float()
