"""What a method is: the data it reads, its loss, and what it may do to gradients and weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from uqs.methods.cards.card import MethodCard
from uqs.methods.streams import Stream
from uqs.models.vlm import VLM, Batch, Encoding
from uqs.records import Split

Data = Mapping[str, Split]
"""The splits `forget` and `retain`, as far as a method may see them."""


class Step(NamedTuple):
    """Which step it is, from 0, of how many."""

    number: int
    of: int


class Batches:
    """The batches of one step, each made when it is asked for; a stream that no one asks draws nothing."""

    def __init__(
        self, vlm: VLM, streams: Mapping[str, Stream], draw: Callable[[str], Sequence[int]]
    ) -> None:
        self._vlm, self._streams, self._draw = vlm, streams, draw
        self._made: dict[str, Batch] = {}

    def __getitem__(self, name: str) -> Batch:
        """The batch of a stream."""
        if name not in self._made:
            self._made[name] = self.paired(name, self._streams[name].encoded)
        return self._made[name]

    def paired(self, name: str, encoded: Encoding) -> Batch:
        """The same questions as the batch of stream `name`, in another encoding (with other answers)."""
        return self._vlm.batch(encoded, self.indices(name))

    def indices(self, name: str) -> Sequence[int]:
        """The places of the batch's samples in the stream's encoding."""
        return self._draw(name)


class Method:
    """Turns an original model into an unlearned one; one file each, with its loss.

    A method is made anew for every run, so it may keep what it computes in `streams`.
    """

    card: ClassVar[MethodCard]

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    def streams(self, vlm: VLM, data: Data, generator: torch.Generator) -> Mapping[str, Stream]:
        """The batches of a step by name, made before the first one; `vlm` is still the original.

        Every draw (labels, directions) comes from `generator`. No streams, no steps.
        """
        return {}

    def loss(self, vlm: VLM, batches: Batches, step: Step) -> Tensor:
        """The scalar to be minimised at one step."""
        raise NotImplementedError(f"{self.card.name} takes no step")

    def edit_gradients(self, vlm: VLM) -> None:
        """Called before every optimizer step, before clipping."""

    def finish(self, vlm: VLM, data: Data) -> None:
        """Called once after the last step: what is done to weights without gradients."""


def trainable(vlm: VLM) -> dict[str, torch.nn.Parameter]:
    """The parameters that training changes, by name."""
    return {name: p for name, p in vlm.model.named_parameters() if p.requires_grad}
