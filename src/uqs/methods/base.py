"""The base class of methods: data, loss, and changes to gradients and weights."""

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
"""The parts of the splits `forget` and `retain` that a method may see."""


class Step(NamedTuple):
    """The number of a step (from 0) and the total."""

    number: int
    of: int


class Batches:
    """The batches of one step. A batch is made on request; an unused stream draws nothing."""

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
        """The indices of the batch's samples in the stream's encoding."""
        return self._draw(name)


class Method:
    """Turns an original model into an unlearned one; each method is in one file, with its loss.

    Every run makes a new instance, so a method may store what it computes in `streams`.
    """

    card: ClassVar[MethodCard]
    moves_statistics: ClassVar[bool] = False
    """Whether batch normalisation follows the batches: only where a model is trained from its base.

    The batches of a method are one-sided, and a step must compute what is measured."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    def streams(self, vlm: VLM, data: Data, generator: torch.Generator) -> Mapping[str, Stream]:
        """The batches of a step by name, made before the first one; `vlm` is still the original.

        Every draw (labels, directions) comes from `generator`. No streams, no steps.
        """
        return {}

    def loss(self, vlm: VLM, batches: Batches, step: Step) -> Tensor:
        """The scalar to minimise at one step."""
        raise NotImplementedError(f"{self.card.name} takes no step")

    def changing(self) -> Mapping[str, Tensor]:
        """What steps change of the tensors that `streams` stored, by name: a resumed run gets it back.

        Anything else that a method stores must be the same whenever `streams` computes it.
        """
        return {}

    def edit_gradients(self, vlm: VLM) -> None:
        """Called before every optimizer step, before clipping."""

    def finish(self, vlm: VLM, data: Data) -> None:
        """Called once after the last step, for changes of weights without gradients."""


def trainable(vlm: VLM) -> dict[str, torch.nn.Parameter]:
    """The parameters that training changes, by name."""
    return {name: p for name, p in vlm.model.named_parameters() if p.requires_grad}
