"""Times optimizer steps of each cost class with the project's own training loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from uqs.methods.base import Batches, Data, Method, Step
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.retrain import Retrain
from uqs.methods.settings import TrainerSettings
from uqs.methods.streams import Stream
from uqs.methods.trainer import Schedule, train
from uqs.models.reference import Reference
from uqs.models.vlm import VLM
from uqs.records import Sample, Split
from uqs.studies.estimate.amounts import StepClass
from uqs.studies.estimate.ranges import Range

MOST_STEPS = 12
LR = 1e-7
"""So small that a model whose steps are timed does not collapse."""


class Passes(Method):
    """A loss that takes the passes of a cost class: those with gradients are added before one backward
    pass, as methods add them, those without compute as the model was at the start."""

    def __init__(self, step: StepClass) -> None:
        self.step = step

    def streams(self, vlm: VLM, data: Data, generator: torch.Generator) -> dict[str, Stream]:
        self.start = Reference(vlm)
        if self.step.replay:
            mixing = Retrain(self.step.batch, self.step.replay)
            return {"0": mixing.streams(vlm, data, generator)["mixed"]}
        encoded = vlm.encode(data["learn"].samples)
        number = max(self.step.training, self.step.forward)
        return {str(k): Stream.of(encoded, self.step.batch) for k in range(number)}

    def loss(self, vlm: VLM, batches: Batches, step: Step) -> Tensor:
        for number in range(self.step.forward):
            with self.start.in_place():
                vlm.answer_logits(batches[str(number)])
        losses = [answer_cross_entropy(vlm, batches[str(k)]) for k in range(self.step.training)]
        return torch.stack(losses).sum()


def timed_steps(
    vlm: VLM,
    step: StepClass,
    learn: Sequence[Sample],
    replay: Sequence[Sample],
    settings: TrainerSettings,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> Range:
    """Seconds of one step: of the second, which nothing is set up in, or of as many as fit into `seconds`."""
    (first,) = intervals(vlm, step, learn, replay, settings, 1, clock)
    more = min(MOST_STEPS, int(seconds / max(first, 1e-9)))
    if more < 2:
        return Range.timed([first])
    return Range.timed(intervals(vlm, step, learn, replay, settings, more, clock))


def intervals(
    vlm: VLM,
    step: StepClass,
    learn: Sequence[Sample],
    replay: Sequence[Sample],
    settings: TrainerSettings,
    number: int,
    clock: Callable[[], float],
) -> list[float]:
    """The seconds of `number` steps after a first one that warms up."""
    method, generator = Passes(step), torch.Generator().manual_seed(0)
    data = {"learn": Split("learn", tuple(learn)), "replay": Split("replay", tuple(replay))}
    streams = method.streams(vlm, data, generator)
    ends: list[float] = []
    train(
        vlm,
        method,
        streams,
        Schedule(number + 1, LR),
        generator,
        settings.model_copy(update={"checks": 1, "stop": None}),
        progress=lambda *_: ends.append(clock()),
    )
    return [later - earlier for earlier, later in pairwise(ends)]
