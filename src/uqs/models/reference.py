"""The weights that training started from, without a second model in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from uqs.models.vlm import VLM


class Reference:
    """A frozen copy of the weights that are trained, put in place of them for the time of a forward pass.

    Of a model with an adapter that is the adapter alone, so that the base is shared; of a model that is
    trained whole it is all of it.
    """

    def __init__(self, vlm: VLM) -> None:
        self._modules = list(vlm.model.modules())
        self._kept = [(p, p.detach().clone()) for p in vlm.model.parameters() if p.requires_grad]

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model computes as it did at the start, without gradients and dropout; then as before."""
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
        """Keep the weights of now in place of those kept before."""
        for parameter, kept in self._kept:
            kept.copy_(parameter.detach())

    def restore(self) -> None:
        """Put the kept weights back for good."""
        with torch.no_grad():
            for parameter, kept in self._kept:
                parameter.copy_(kept)
