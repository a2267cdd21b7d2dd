"""Pictures that a classifier has looked at: the answer is one token, and nothing follows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from uqs.models.image_classifier import Glance, ImageClassifier
from uqs.models.vlm import Encoding


@dataclass(frozen=True)
class Looked:
    """Stands where a `Prefix` does. Of each picture there is one distribution and one state of each layer,
    which are given for the prompt and for the answer alike.

    `mask` (batch, 0): there is no prompt.
    """

    vlm: ImageClassifier
    glance: Glance
    mask: Tensor

    def __len__(self) -> int:
        return len(self.mask)

    def select(self, rows: Sequence[int]) -> Looked:
        """The same of some rows."""
        at = torch.tensor(rows, device=self.mask.device)
        found = Glance(self.glance.logits[at], tuple(one[at] for one in self.glance.states))
        return Looked(self.vlm, found, self.mask[at])

    def follow(self, tokens: Tensor, mask: Tensor, *, hidden_states: bool = False) -> Any:
        """As the output of a language model that has read the picture and `tokens` (batch, k) after it."""
        places = 1 + tokens.shape[1]
        logits, *states = (
            one[:, None].expand(-1, places, -1) for one in (self.glance.logits, *self.glance.states)
        )
        return SimpleNamespace(logits=logits, hidden_states=tuple(states))


def look(vlm: ImageClassifier, encoded: Encoding, rows: Sequence[int]) -> Looked:
    """Look at the pictures of some samples, in one pass."""
    shown = {
        name: tensor.to(vlm.model.device, vlm.model.dtype)
        for name, tensor in encoded.shown(rows).items()
    }
    mask = torch.zeros((len(rows), 0), dtype=torch.long, device=vlm.model.device)
    return Looked(vlm, vlm.look(shown), mask)
