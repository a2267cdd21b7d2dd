"""Fine-tuning on the retain set."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from uqs.methods.base import Method
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.settings import FinetuneRetainSettings
from uqs.methods.streams import Stream
from uqs.models.vlm import VLM, Batch
from uqs.records import Split


class FinetuneRetain(Method):
    """The cross-entropy of the retain answers: forgetting is left to interference."""

    name = "finetune_retain"
    source = "Warnecke et al. 2023 (arXiv 2108.11577); Golatkar et al. 2020 (arXiv 1911.04933)"

    def __init__(self, settings: FinetuneRetainSettings) -> None:
        self.settings = settings

    def streams(
        self, vlm: VLM, data: Mapping[str, Split], generator: torch.Generator
    ) -> dict[str, Stream]:
        return {"retain": Stream.of(vlm.encode(data["retain"].samples), self.settings.batch_size)}

    def loss(self, vlm: VLM, batches: Mapping[str, Batch]) -> Tensor:
        return answer_cross_entropy(vlm, batches["retain"])
