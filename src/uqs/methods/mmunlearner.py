"""MMUnlearner: gradient ascent on one side of the knowledge, without the weights that the other needs."""

from __future__ import annotations

import torch
from torch import Tensor

from uqs.errors import UserError
from uqs.methods.base import Batches, Data, Method, Step, trainable
from uqs.methods.cards.inside import MMUNLEARNER
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.saliency import ratio_masks, squared_gradients
from uqs.methods.streams import Stream
from uqs.models.vlm import VLM


class MMUnlearner(Method):
    """Unlearns what pictures tell about the forget entities and keeps what text tells, or the reverse.

    A step of gradient ascent on one side's answers changes only weights whose squared gradient on that side
    is large relative to that on the kept data. The steps in between fit the other side and the retain set.
    """

    card = MMUNLEARNER

    def streams(self, vlm: VLM, data: Data, generator: torch.Generator) -> dict[str, Stream]:
        forget, pictured = data["forget"], self.settings.side == "picture"
        removed = [s for s in forget.samples if (s.picture is not None) == pictured]
        kept = [s for s in forget.samples if (s.picture is not None) != pictured]
        if lacking := sorted(forget.entities - {s.entity for s in removed}):
            raise UserError(
                f"mmunlearner: side {self.settings.side!r} needs a question "
                f"{'with' if pictured else 'without'} a picture of every forget entity; {lacking[0]!r} has "
                "none" + (f", nor have {len(lacking) - 1} more" if len(lacking) > 1 else "")
            )
        encoded = {
            "forget": vlm.encode(removed),
            "preserve": vlm.encode([*kept, *data["retain"].samples]),
        }
        squares = {
            name: squared_gradients(vlm, one, self.settings.saliency_batch)
            for name, one in encoded.items()
        }
        self.masks = ratio_masks(squares["forget"], squares["preserve"], self.settings.threshold)
        self.fits = self.settings.fits or max(1, len(encoded["preserve"]) // len(removed))
        return {name: Stream.of(one, self.settings.batch_size) for name, one in encoded.items()}

    def loss(self, vlm: VLM, batches: Batches, step: Step) -> Tensor:
        self.ascends = step.number % (1 + self.fits) == 0
        if not self.ascends:
            return answer_cross_entropy(vlm, batches["preserve"])
        loss: Tensor = -self.settings.forget_weight * answer_cross_entropy(vlm, batches["forget"])
        return loss

    def edit_gradients(self, vlm: VLM) -> None:
        if self.ascends:
            for name, parameter in trainable(vlm).items():
                if parameter.grad is not None:
                    parameter.grad *= self.masks[name]
