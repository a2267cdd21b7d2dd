"""Gradient ascent."""

from __future__ import annotations

import torch
from torch import Tensor

from uqs.methods.base import Batches, Data, Method, Step
from uqs.methods.cards.ascent import GRADIENT_ASCENT
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.streams import Stream
from uqs.models.vlm import VLM


class GradientAscent(Method):
    """Only minus the cross-entropy of the forget answers."""

    card = GRADIENT_ASCENT

    def streams(self, vlm: VLM, data: Data, generator: torch.Generator) -> dict[str, Stream]:
        return {"forget": Stream.of(vlm.encode(data["forget"].samples), self.settings.batch_size)}

    def loss(self, vlm: VLM, batches: Batches, step: Step) -> Tensor:
        return -answer_cross_entropy(vlm, batches["forget"])
