"""Gradient difference (GradDiff)."""

from __future__ import annotations

from torch import Tensor

from uqs.methods.base import Batches, Step
from uqs.methods.cards.ascent import GRAD_DIFF
from uqs.methods.forget_and_retain import ForgetAndRetain
from uqs.methods.losses import answer_cross_entropy
from uqs.models.vlm import VLM


class GradDiff(ForgetAndRetain):
    """Gradient ascent on the forget answers with ordinary training on the retain answers."""

    card = GRAD_DIFF

    def loss(self, vlm: VLM, batches: Batches, step: Step) -> Tensor:
        loss = -answer_cross_entropy(vlm, batches["forget"])
        if self.settings.retain_weight:
            loss = loss + self.settings.retain_weight * answer_cross_entropy(vlm, batches["retain"])
        return loss
