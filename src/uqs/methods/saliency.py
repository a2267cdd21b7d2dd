"""Which weights matter more for one set of questions than for another."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from uqs.methods.base import trainable
from uqs.methods.losses import answer_cross_entropy
from uqs.models.vlm import VLM, Encoding

FLOOR = 1e-15
"""Added to both squared gradients before they are divided; the code of Huo et al. 2025 (arXiv 2502.11051)."""


def squared_gradients(vlm: VLM, encoded: Encoding, batch_size: int) -> dict[str, Tensor]:
    """The squared gradient of a batch's mean loss for each trainable weight, mean over batches.

    No batch mixes questions with and without a picture. For each weight only batches that use it count.
    """
    parameters = trainable(vlm)
    sums = {name: torch.zeros_like(p, dtype=torch.float32) for name, p in parameters.items()}
    counts = dict.fromkeys(sums, 0)
    for shows in (True, False):
        places = [i for i, place in enumerate(encoded.picture) if (place >= 0) == shows]
        for start in range(0, len(places), batch_size):
            vlm.model.zero_grad(set_to_none=True)
            batch = vlm.batch(encoded, places[start : start + batch_size])
            answer_cross_entropy(vlm, batch).backward()
            for name, parameter in parameters.items():
                if parameter.grad is not None:
                    sums[name] += parameter.grad.float().square()
                    counts[name] += 1
    vlm.model.zero_grad(set_to_none=True)
    return {name: total / max(1, counts[name]) for name, total in sums.items()}


def ratio_masks(
    of: Mapping[str, Tensor], to: Mapping[str, Tensor], threshold: float
) -> dict[str, Tensor]:
    """True where the squared gradient `of` one set is at least `threshold` times that of the set `to`."""
    return {
        name: (squares + FLOOR) / (to[name] + FLOOR) >= threshold for name, squares in of.items()
    }
