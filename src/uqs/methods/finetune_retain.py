"""Fine-tuning on the retain set."""

from __future__ import annotations

import torch
from torch import Tensor

from uqs.methods.base import Batches, Data, Method, Step
from uqs.methods.cards.labels import FINETUNE_RETAIN
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.streams import Stream
from uqs.models.vlm import VLM


class FinetuneRetain(Method):
    """The cross-entropy of the retain answers: forgetting is left to interference."""

    card = FINETUNE_RETAIN

    def streams(self, vlm: VLM, data: Data, generator: torch.Generator) -> dict[str, Stream]:
        return {"retain": Stream.of(vlm.encode(data["retain"].samples), self.settings.batch_size)}

    def loss(self, vlm: VLM, batches: Batches, step: Step) -> Tensor:
        return answer_cross_entropy(vlm, batches["retain"])
