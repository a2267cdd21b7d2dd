"""KL minimisation."""

from __future__ import annotations

from torch import Tensor

from uqs.methods.base import Batches, Step
from uqs.methods.cards.ascent import KL_MINIMISATION
from uqs.methods.forget_and_retain import TeacherStudent
from uqs.methods.losses import (
    answer_cross_entropy,
    answer_log_probs,
    kl_divergence,
    reference_log_probs,
)
from uqs.models.vlm import VLM


class KLMinimisation(TeacherStudent):
    """Gradient ascent on the forget answers; on the retain answers the original's predictions are kept."""

    card = KL_MINIMISATION

    def loss(self, vlm: VLM, batches: Batches, step: Step) -> Tensor:
        loss = -answer_cross_entropy(vlm, batches["forget"])
        if self.settings.retain_weight:
            original = reference_log_probs(vlm, self.teacher, batches["retain"])
            current = answer_log_probs(vlm, batches["retain"])
            loss = loss + self.settings.retain_weight * kl_divergence(original, current)
        return loss
