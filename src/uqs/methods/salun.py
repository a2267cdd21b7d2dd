"""Saliency unlearning (SalUn)."""

from __future__ import annotations

import torch
from torch import Tensor

from uqs.methods.base import Data, trainable
from uqs.methods.cards.labels import SALUN, SalUnSettings
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.random_labels import RandomLabels
from uqs.methods.streams import Stream
from uqs.models.vlm import VLM, Encoded


class SalUn(RandomLabels):
    """Random labels with retain, trained only where the forget gradient of the original is large.

    The mask is 1 on the `mask_share` of the trainable weights with the largest absolute gradient of the
    forget loss, taken once, before training, with the true labels.
    """

    card = SALUN

    def __init__(self, settings: SalUnSettings) -> None:
        super().__init__(settings)
        self.mask_share = settings.mask_share
        self.masks: dict[str, Tensor] = {}

    def streams(self, vlm: VLM, data: Data, generator: torch.Generator) -> dict[str, Stream]:
        forget = vlm.encode(data["forget"].samples)
        self.masks = saliency_masks(vlm, forget, self.mask_share, self.settings.batch_size)
        return super().streams(vlm, data, generator)

    def edit_gradients(self, vlm: VLM) -> None:
        for name, parameter in trainable(vlm).items():
            if parameter.grad is not None:
                parameter.grad *= self.masks[name]


def saliency_masks(vlm: VLM, forget: Encoded, share: float, batch_size: int) -> dict[str, Tensor]:
    """0/1 masks of the trainable weights: 1 on the `share` of all with the largest |forget gradient|."""
    parameters = trainable(vlm)
    vlm.model.zero_grad(set_to_none=True)
    for start in range(0, len(forget), batch_size):
        indices = range(start, min(start + batch_size, len(forget)))
        loss = answer_cross_entropy(vlm, vlm.batch(forget, indices))
        (loss * len(indices) / len(forget)).backward()
    sizes = [p.numel() for p in parameters.values()]
    saliency = torch.cat(
        [
            torch.zeros(p.numel()) if p.grad is None else p.grad.abs().flatten()
            for p in parameters.values()
        ]
    )
    vlm.model.zero_grad(set_to_none=True)
    mask = torch.zeros_like(saliency)
    mask[saliency.topk(round(share * saliency.numel())).indices] = 1
    return {
        name: part.view_as(p)
        for (name, p), part in zip(parameters.items(), mask.split(sizes), strict=True)
    }
