"""The loop that all training shares: original, oracle and every method."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from uqs.errors import UserError
from uqs.methods.base import Method, trainable
from uqs.methods.streams import Stream
from uqs.models.vlm import VLM

WARMUP_SHARE = 0.1
GRADIENT_NORM = 1.0
BETAS = (0.9, 0.95)  # a second moment that a run of some hundred steps can follow


@dataclass(frozen=True)
class Schedule:
    """Optimizer steps and AdamW's peak learning rate; warm-up, then a cosine down to zero."""

    steps: int
    lr: float

    def factor(self, step: int) -> float:
        """Share of the peak rate at `step` (from 0)."""
        warmup = max(1, round(WARMUP_SHARE * self.steps))
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, self.steps - warmup)))


def train(
    vlm: VLM,
    method: Method,
    streams: dict[str, Stream],
    schedule: Schedule,
    generator: torch.Generator,
) -> list[float]:
    """Minimise the method's loss over the trainable weights, in place; returns the loss of every step.

    Raises UserError where a loss is not finite: no weights are handed on from such a run.
    """
    parameters = list(trainable(vlm).values())
    optimizer = torch.optim.AdamW(
        parameters, lr=schedule.lr, betas=BETAS, weight_decay=0.0, fused=True
    )
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule.factor)
    batches = {name: stream.batches(generator) for name, stream in streams.items()}
    vlm.model.train()
    losses: list[float] = []
    for step in range(schedule.steps):
        loss = method.loss(
            vlm,
            {
                name: vlm.batch(stream.encoded, next(batches[name]))
                for name, stream in streams.items()
            },
        )
        losses.append(float(loss.detach()))
        if not math.isfinite(losses[-1]):
            raise UserError(
                f"{method.name}: the loss is {losses[-1]} at step {step + 1} of {schedule.steps}; "
                f"lower lr ({schedule.lr}) or steps"
            )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        method.edit_gradients(vlm)
        torch.nn.utils.clip_grad_norm_(parameters, GRADIENT_NORM)
        optimizer.step()
        rates.step()
    vlm.model.eval()
    return losses
