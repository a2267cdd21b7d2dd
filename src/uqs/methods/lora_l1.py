"""Gradient difference with an l1 penalty on the adapter."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from uqs.methods.base import Batches, Data, Step, trainable
from uqs.methods.cards.ascent import LORA_L1
from uqs.methods.grad_diff import GradDiff
from uqs.methods.streams import Stream
from uqs.models.vlm import VLM


class LoraL1(GradDiff):
    """Gradient difference that changes few weights: the l1 norm of the change is a penalty."""

    card = LORA_L1
    start: Mapping[str, Tensor]

    def streams(self, vlm: VLM, data: Data, generator: torch.Generator) -> dict[str, Stream]:
        self.start = {name: p.detach().clone() for name, p in trainable(vlm).items()}
        return super().streams(vlm, data, generator)

    def loss(self, vlm: VLM, batches: Batches, step: Step) -> Tensor:
        changes = (p - self.start[name] for name, p in trainable(vlm).items())
        l1: float = self.settings.l1
        norm = torch.stack([change.abs().sum() for change in changes]).sum()
        return super().loss(vlm, batches, step) + l1 * norm
