"""Ordinary training with replay: it makes the original (forget + retain) and the oracle (retain only)."""

from __future__ import annotations

import torch
from torch import Tensor

from uqs.methods.base import Batches, Data, Method, Step
from uqs.methods.cards.baselines import RETRAIN
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.streams import Stream
from uqs.models.vlm import VLM


class Retrain(Method):
    """Minus log-likelihood of the answers in `learn`, mixed with `replay` of what the base knows.

    `replay`: the share of a batch that comes from the base's own corpus. Without it, training on a few facts
    erases everything else, and utility metrics mean nothing.
    """

    card = RETRAIN
    moves_statistics = True

    def __init__(self, batch_size: int, replay: float) -> None:
        self.batch_size, self.replay = batch_size, replay

    def streams(self, vlm: VLM, data: Data, generator: torch.Generator) -> dict[str, Stream]:
        learn, replay = data["learn"].samples, data["replay"].samples
        replayed = round(self.replay * self.batch_size)
        if replayed == 0:
            return {"mixed": Stream.of(vlm.encode(learn), self.batch_size)}
        return {
            "mixed": Stream(
                vlm.encode([*learn, *replay]),
                (len(learn), len(replay)),
                (self.batch_size - replayed, replayed),
            )
        }

    def loss(self, vlm: VLM, batches: Batches, step: Step) -> Tensor:
        return answer_cross_entropy(vlm, batches["mixed"])
