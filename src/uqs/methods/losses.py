"""Losses that several methods share."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import cross_entropy

from uqs.models.vlm import IGNORED, VLM, Batch


def answer_cross_entropy(vlm: VLM, batch: Batch) -> Tensor:
    """Mean cross-entropy (nats) over the answer tokens of the batch; prompts and pictures have no part."""
    logits, labels = vlm.answer_logits(batch)
    return cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)
