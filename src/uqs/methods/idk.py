"""Refusals as answers (IDK)."""

from __future__ import annotations

import torch

from uqs.methods.base import Data
from uqs.methods.cards import labels as cards
from uqs.methods.random_labels import RandomLabels
from uqs.methods.refusals import encode_with_refusals
from uqs.methods.streams import Stream
from uqs.models.vlm import VLM


class IDK(RandomLabels):
    """Cross-entropy of refusals to the forget questions, plus that of the true retain answers."""

    card = cards.IDK

    def streams(self, vlm: VLM, data: Data, generator: torch.Generator) -> dict[str, Stream]:
        forget = encode_with_refusals(vlm, data["forget"].samples, generator).refused
        retain = vlm.encode(data["retain"].samples)
        size = self.settings.batch_size
        return {"forget": Stream.of(forget, size), "retain": Stream.of(retain, size)}
