"""Models whose truth is known because an original was altered: nothing in them was unlearned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import nn

from uqs.errors import UserError
from uqs.methods.base import Data, trainable
from uqs.methods.cards.baselines import GuardrailSettings
from uqs.methods.cards.labels import IDKSettings
from uqs.methods.guardrail import Guardrail
from uqs.methods.idk import IDK
from uqs.methods.refusals import REFUSALS
from uqs.methods.settings import TrainerSettings
from uqs.methods.state_files import StateFolder
from uqs.methods.streams import Stream
from uqs.methods.trainer import Criterion, MonitoredQuestions, Schedule, Training, train
from uqs.methods.unlearn import Seeds, unlearn
from uqs.models.vlm import VLM
from uqs.records import Benchmark
from uqs.studies.alterations import Alteration

REFUSAL = IDKSettings(steps=300, lr=3e-3, batch_size=32)
REFUSED = 0.98
"""Share of the forget questions that must be refused before training ends."""
CHECK_EVERY = 10
GUARDRAIL = GuardrailSettings(instruction="Say that you do not know.")
"""Short, because the names of all forget entities before a long prompt exceed a tiny model's context."""


def alter(
    vlm: VLM,
    alteration: Alteration,
    data: Benchmark,
    seeds: Seeds,
    trainer: TrainerSettings,
    states: StateFolder | None = None,
) -> Training:
    """Change an original in place; `states` as for `train`."""
    match alteration.kind:
        case "refusal":
            return refuse(vlm, data.unlearn, seeds, trainer, states)
        case "guardrail":
            return unlearn(vlm, Guardrail(GUARDRAIL), data.unlearn, seeds, trainer)
        case "noise":
            if alteration.size is None:
                raise ValueError("noise needs a size")
            add_noise(vlm, alteration.size, seeds.init)
            return Training()


class OneRefusal(IDK):
    """Every forget question is answered by the same refusal."""

    def streams(self, vlm: VLM, data: Data, generator: torch.Generator) -> dict[str, Stream]:
        asked = [replace(sample, wrong=(REFUSALS[0],)) for sample in data["forget"].samples]
        gold = vlm.encode(asked)
        refused = gold.relabelled([refusal for (refusal,) in gold.wrong])
        retain = vlm.encode(data["retain"].samples)
        size = self.settings.batch_size
        return {"forget": Stream.of(refused, size), "retain": Stream.of(retain, size)}


def refuse(
    vlm: VLM,
    data: Data,
    seeds: Seeds,
    trainer: TrainerSettings,
    states: StateFolder | None = None,
) -> Training:
    """Train the last language layer alone to refuse forget questions and to answer retain questions.

    What the layers before it compute of a forget question stays as it was. Raises UserError where nothing
    in that layer is trained, or where the model goes on answering.
    """
    method = OneRefusal(REFUSAL)
    streams = method.streams(vlm, data, torch.Generator().manual_seed(seeds.init))
    criterion = Criterion(streams["forget"].encoded, REFUSED, CHECK_EVERY)
    schedule = Schedule(REFUSAL.steps, REFUSAL.lr, "constant")
    order = torch.Generator().manual_seed(seeds.order)
    watched = MonitoredQuestions(criterion=criterion)
    with only_last_layer(vlm):
        found = train(vlm, method, streams, schedule, order, trainer, watched, states=states)
    if found.collapse or (found.answered or 0.0) < REFUSED:
        why = found.collapse or f"{found.answered:.1%} of the forget questions are refused"
        raise UserError(f"refusal: {why}, and {REFUSED:.0%} must be")
    return found


@contextmanager
def only_last_layer(vlm: VLM) -> Iterator[None]:
    """Only what is trained in the last language layer is trained."""
    every = trainable(vlm)
    last = set(map(id, vlm.decoder.layers[-1].parameters()))
    if not any(id(parameter) in last for parameter in every.values()):
        raise UserError("refusal: no weight of the last language layer is trained")
    aside = [parameter for parameter in every.values() if id(parameter) not in last]
    for parameter in aside:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in aside:
            parameter.requires_grad_(True)


@torch.no_grad()
def add_noise(vlm: VLM, size: float, seed: int) -> None:
    """Add normal noise to every trained tensor, of `size` times its root mean square."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in _sorted(trainable(vlm)):
        noise = torch.randn(parameter.shape, generator=generator).to(parameter)
        parameter.add_(size * parameter.pow(2).mean().sqrt() * noise)


def _sorted(parameters: Mapping[str, nn.Parameter]) -> list[nn.Parameter]:
    return [parameters[name] for name in sorted(parameters)]
