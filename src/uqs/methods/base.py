"""What a method is: the data it reads, its loss, and what it may do to a gradient."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from uqs.methods.streams import Stream
from uqs.models.vlm import VLM, Batch
from uqs.records import Split


class Method(ABC):
    """Turns an original model into an unlearned one; one file each, with its loss and its source."""

    name: ClassVar[str]
    source: ClassVar[str]

    @abstractmethod
    def streams(
        self, vlm: VLM, data: Mapping[str, Split], generator: torch.Generator
    ) -> Mapping[str, Stream]:
        """The batches of a step by name, made from the splits `forget` and `retain`."""

    @abstractmethod
    def loss(self, vlm: VLM, batches: Mapping[str, Batch]) -> Tensor:
        """The scalar to be minimised at one step."""

    def edit_gradients(self, vlm: VLM) -> None:  # noqa: B027  most methods leave gradients alone
        """Called after every backward pass."""


def trainable(vlm: VLM) -> dict[str, torch.nn.Parameter]:
    """The parameters that training changes, by name."""
    return {name: p for name, p in vlm.model.named_parameters() if p.requires_grad}
