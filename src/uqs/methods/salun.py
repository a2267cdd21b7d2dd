"""Saliency unlearning (SalUn)."""

from __future__ import annotations

import torch
from torch import Tensor

from uqs.methods.base import Data, trainable
from uqs.methods.cards.labels import SALUN, SalUnSettings
from uqs.methods.losses import answer_cross_entropy, answer_lengths
from uqs.methods.random_labels import RandomLabels
from uqs.methods.streams import Stream
from uqs.models.vlm import VLM, Encoding

AT_ONCE = 8  # questions in memory at a time when computing the gradient


class SalUn(RandomLabels):
    """Random labels with retain, trained only where the forget gradient of the original is large.

    The mask is 1 for the `mask_share` of the trainable weights with the largest absolute gradient of the
    forget loss, computed once before training, with the true labels.
    """

    card = SALUN

    def __init__(self, settings: SalUnSettings) -> None:
        super().__init__(settings)
        self.mask_share = settings.mask_share
        self.masks: dict[str, Tensor] = {}

    def streams(self, vlm: VLM, data: Data, generator: torch.Generator) -> dict[str, Stream]:
        forget = vlm.encode(data["forget"].samples)
        self.masks = saliency_masks(vlm, forget, self.mask_share)
        return super().streams(vlm, data, generator)

    def edit_gradients(self, vlm: VLM) -> None:
        for name, parameter in trainable(vlm).items():
            if parameter.grad is not None:
                parameter.grad *= self.masks[name]


def saliency_masks(vlm: VLM, forget: Encoding, share: float) -> dict[str, Tensor]:
    """Which trainable weights may change: the `share` of all with the largest |gradient| of the mean
    cross-entropy over all forget answer tokens; ties, such as weights without gradient, are arbitrary."""
    parameters = trainable(vlm)
    vlm.model.zero_grad(set_to_none=True)
    total = sum(len(answer) for answer in forget.answers)
    for start in range(0, len(forget), AT_ONCE):
        batch = vlm.batch(forget, range(len(forget))[start : start + AT_ONCE])
        (answer_cross_entropy(vlm, batch) * answer_lengths(batch).sum() / total).backward()
    saliency = torch.cat(
        [
            (torch.zeros_like(p) if p.grad is None else p.grad.abs()).flatten()
            for p in parameters.values()
        ]
    )
    vlm.model.zero_grad(set_to_none=True)
    mask = torch.zeros_like(saliency, dtype=torch.bool)
    mask[saliency.topk(round(share * saliency.numel()), sorted=False).indices] = True
    parts = mask.split([p.numel() for p in parameters.values()])
    return {
        name: part.view_as(p) for (name, p), part in zip(parameters.items(), parts, strict=True)
    }
