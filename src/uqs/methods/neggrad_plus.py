"""NegGrad+."""

from __future__ import annotations

from torch import Tensor

from uqs.methods.base import Batches, Step
from uqs.methods.cards.ascent import NEGGRAD_PLUS
from uqs.methods.forget_and_retain import ForgetAndRetain
from uqs.methods.losses import answer_cross_entropy
from uqs.models.vlm import VLM


class NegGradPlus(ForgetAndRetain):
    """Training on the retain answers with a small part of gradient ascent on the forget answers."""

    card = NEGGRAD_PLUS

    def loss(self, vlm: VLM, batches: Batches, step: Step) -> Tensor:
        beta: float = self.settings.beta
        retain = answer_cross_entropy(vlm, batches["retain"])
        return beta * retain - (1 - beta) * answer_cross_entropy(vlm, batches["forget"])
