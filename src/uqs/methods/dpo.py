"""Direct preference optimisation (DPO) of refusals."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from uqs.methods.base import Batches, Data
from uqs.methods.cards import preference as cards
from uqs.methods.losses import answer_log_likelihoods
from uqs.methods.preference import OriginalLikelihoods, Preference
from uqs.methods.refusals import encode_with_refusals
from uqs.methods.streams import Stream
from uqs.models.reference import Reference
from uqs.models.vlm import VLM, Encoding


class DPO(Preference):
    """A refusal is preferred to each forget answer, relative to the original; with retain."""

    card = cards.DPO
    refused: Encoding
    original_gold: OriginalLikelihoods
    original_refusals: OriginalLikelihoods

    def streams(self, vlm: VLM, data: Data, generator: torch.Generator) -> dict[str, Stream]:
        gold, self.refused = encode_with_refusals(vlm, data["forget"].samples, generator)
        original = Reference(vlm)
        self.original_gold = OriginalLikelihoods(original, len(gold))
        self.original_refusals = OriginalLikelihoods(original, len(gold))
        retain = vlm.encode(data["retain"].samples)
        size = self.settings.batch_size
        return {"forget": Stream.of(gold, size), "retain": Stream.of(retain, size)}

    def changing(self) -> dict[str, Tensor]:
        return {"gold": self.original_gold.known, "refusals": self.original_refusals.known}

    def forget_loss(self, vlm: VLM, batches: Batches) -> Tensor:
        gold, refused = batches["forget"], batches.paired("forget", self.refused)
        places = batches.indices("forget")
        before_gold = self.original_gold.of(vlm, gold, places)
        before_refusal = self.original_refusals.of(vlm, refused, places)
        return dpo_loss(
            answer_log_likelihoods(vlm, refused) - before_refusal,
            answer_log_likelihoods(vlm, gold) - before_gold,
            self.settings.beta,
        )


def dpo_loss(preferred: Tensor, rejected: Tensor, beta: float) -> Tensor:
    """-(2 / beta) mean log sigmoid(beta (preferred - rejected)) of log(pi / pi_original) (nats), (pairs,).

    It starts at (2 / beta) log 2. The scale is that of the code of Zhang et al. 2024, so that with a retain
    loss it has the same weight as NPO; Rafailov et al. 2023 (arXiv 2305.18290, equation 7) have no factor 2 /
    beta.
    """
    return -2 / beta * logsigmoid(beta * (preferred - rejected)).mean()
