"""Negative preference optimisation (NPO)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from uqs.methods.base import Batches, Data
from uqs.methods.cards import preference as cards
from uqs.methods.losses import answer_log_likelihoods
from uqs.methods.preference import OriginalLikelihoods, Preference
from uqs.methods.streams import Stream
from uqs.models.reference import Reference
from uqs.models.vlm import VLM


class NPO(Preference):
    """Forget answers become less likely than for the original, more and more slowly; with retain.

    Without the retain term this is the paper's NPO, with it the paper's NPO+RT.
    """

    card = cards.NPO
    original: OriginalLikelihoods

    def streams(self, vlm: VLM, data: Data, generator: torch.Generator) -> dict[str, Stream]:
        streams = super().streams(vlm, data, generator)
        self.original = OriginalLikelihoods(Reference(vlm), len(streams["forget"].encoded))
        return streams

    def changing(self) -> dict[str, Tensor]:
        return {"original": self.original.known}

    def forget_loss(self, vlm: VLM, batches: Batches) -> Tensor:
        batch = batches["forget"]
        before = self.original.of(vlm, batch, batches.indices("forget"))
        return npo_loss(answer_log_likelihoods(vlm, batch), before, self.settings.beta)


def npo_loss(now: Tensor, before: Tensor, beta: float) -> Tensor:
    """(2 / beta) mean log(1 + (pi / pi_original)^beta) of log-likelihoods (nats), both (answers,).

    Source: Zhang et al. 2024 (arXiv 2404.05868), equation 3.
    """
    return -2 / beta * logsigmoid(-beta * (now - before)).mean()
