"""Base class for methods whose forget loss uses the likelihoods of whole answers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from uqs.methods.base import Batches, Step
from uqs.methods.forget_and_retain import ForgetAndRetain
from uqs.methods.losses import answer_cross_entropy, answer_log_likelihoods
from uqs.models.reference import Reference
from uqs.models.vlm import VLM, Batch


class Preference(ForgetAndRetain):
    """A forget loss and the weighted cross-entropy of the retain answers."""

    def forget_loss(self, vlm: VLM, batches: Batches) -> Tensor:
        raise NotImplementedError

    def loss(self, vlm: VLM, batches: Batches, step: Step) -> Tensor:
        loss = self.forget_loss(vlm, batches)
        if self.settings.retain_weight:
            loss = loss + self.settings.retain_weight * answer_cross_entropy(vlm, batches["retain"])
        return loss


class OriginalLikelihoods:
    """Log-likelihoods (nats) of `count` fixed answers under the original.

    Each is computed on first use, in the arithmetic of the step, and then stored: a repeated answer costs no
    pass.
    """

    def __init__(self, original: Reference, count: int) -> None:
        self._original = original
        self._known = torch.full((count,), torch.nan)

    @property
    def known(self) -> Tensor:
        """The stored ones, (count,); NaN if not computed yet. Not a copy."""
        return self._known

    def of(self, vlm: VLM, batch: Batch, places: Sequence[int]) -> Tensor:
        """The log-likelihoods of the batch's answers, (batch,), without gradient.

        `places`: the indices of the batch's answers among all.
        """
        at = torch.tensor(list(places))
        if self._known[at].isnan().any():
            with self._original.in_place():
                self._known[at] = answer_log_likelihoods(vlm, batch).float().cpu()
        return self._known[at].to(batch.labels.device)
