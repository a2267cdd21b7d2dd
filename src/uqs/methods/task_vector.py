"""Task vector negation."""

from __future__ import annotations

import torch
from torch import Tensor

from uqs.methods.base import Batches, Data, Method, Step, trainable
from uqs.methods.cards.pruned import TASK_VECTOR
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.streams import Stream
from uqs.models.adapter import Factors, factors, has_adapter, set_factors
from uqs.models.vlm import VLM


class TaskVector(Method):
    """Fine-tunes on the forget set, then moves from the original `scale` times as far in the other direction.

    This is arithmetic on weights, not on LoRA's factors: (1 + scale) BA - scale B'A', with twice the rank.
    """

    card = TASK_VECTOR

    def streams(self, vlm: VLM, data: Data, generator: torch.Generator) -> dict[str, Stream]:
        self.updates: dict[str, Factors] = factors(vlm) if has_adapter(vlm) else {}
        self.weights: dict[str, Tensor] = (
            {} if self.updates else {name: p.detach().clone() for name, p in trainable(vlm).items()}
        )
        return {"forget": Stream.of(vlm.encode(data["forget"].samples), self.settings.batch_size)}

    def loss(self, vlm: VLM, batches: Batches, step: Step) -> Tensor:
        return answer_cross_entropy(vlm, batches["forget"])

    def finish(self, vlm: VLM, data: Data) -> None:
        scale = self.settings.scale
        if self.updates:
            tuned = factors(vlm)
            away = {
                layer: (1 + scale) * original + (-scale) * tuned[layer]
                for layer, original in self.updates.items()
            }
            set_factors(vlm, away)
        with torch.no_grad():
            for name, original in self.weights.items():
                weight = vlm.model.get_parameter(name)
                weight.copy_((1 + scale) * original - scale * weight)
