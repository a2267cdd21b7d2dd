"""The weights at the start of training, without a second model in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from uqs.models.batch_norm import statistics
from uqs.models.vlm import VLM


class Reference:
    """A frozen copy of the trained weights, which replaces them during a forward pass.

    For a model with an adapter this is only the adapter, so the base is shared; for a fully trained model it
    is the whole model. The running statistics of batch normalisation belong to it.
    """

    def __init__(self, vlm: VLM) -> None:
        self._modules = list(vlm.model.modules())
        trained = [p for p in vlm.model.parameters() if p.requires_grad]
        moving = [one for _, one in statistics(vlm.model)]
        self._kept = [(p, p.detach().clone()) for p in (*trained, *moving)]

    @property
    def kept(self) -> list[Tensor]:
        """The stored weights, in the order of the model's trained parameters; not copies."""
        return [kept for _, kept in self._kept]

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Within the context the model computes as at the start, without gradients and dropout."""
        now = [parameter.data for parameter, _ in self._kept]
        training = [module for module in self._modules if module.training]
        for parameter, kept in self._kept:
            parameter.data = kept
        for module in training:
            module.training = False
        try:
            with torch.no_grad():
                yield
        finally:
            for (parameter, _), data in zip(self._kept, now, strict=True):
                parameter.data = data
            for module in training:
                module.training = True

    def update(self) -> None:
        """Replace the stored weights by the current ones."""
        for parameter, kept in self._kept:
            kept.copy_(parameter.detach())

    def restore(self) -> None:
        """Restore the stored weights permanently."""
        with torch.no_grad():
            for parameter, kept in self._kept:
                parameter.copy_(kept)
