"""Gradient ascent."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from uqs.methods.base import Method
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.settings import GradientAscentSettings
from uqs.methods.streams import Stream
from uqs.models.vlm import VLM, Batch
from uqs.records import Split


class GradientAscent(Method):
    """Minus the cross-entropy of the forget answers, and nothing else."""

    name = "gradient_ascent"
    source = "Thudi et al. 2022 (arXiv 2109.13398); for language models Jang et al. 2023 (arXiv 2210.01504)"

    def __init__(self, settings: GradientAscentSettings) -> None:
        self.settings = settings

    def streams(
        self, vlm: VLM, data: Mapping[str, Split], generator: torch.Generator
    ) -> dict[str, Stream]:
        return {"forget": Stream.of(vlm.encode(data["forget"].samples), self.settings.batch_size)}

    def loss(self, vlm: VLM, batches: Mapping[str, Batch]) -> Tensor:
        return -answer_cross_entropy(vlm, batches["forget"])
