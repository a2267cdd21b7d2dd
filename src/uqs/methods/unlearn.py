"""One run of a method on a model, from its data to its outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from uqs.errors import UserError
from uqs.methods.base import Data, Method
from uqs.methods.settings import DEFAULT_TRAINER, MethodSettings, StopAtForgetLoss, TrainerSettings
from uqs.methods.state_files import StateFolder
from uqs.methods.trainer import MonitoredQuestions, Progress, Schedule, Training, train
from uqs.models.image_classifier import ImageClassifier
from uqs.models.vlm import VLM, Encoding
from uqs.records import Sample, Split

WATCHED = 16
"""How many retain questions are used to check whether a model still answers."""


@dataclass(frozen=True)
class Seeds:
    """`order` draws the batches, `init` everything else: labels, directions, fresh weights."""

    order: int
    init: int


def unlearn(
    vlm: VLM,
    method: Method,
    data: Data,
    seeds: Seeds,
    trainer: TrainerSettings = DEFAULT_TRAINER,
    progress: Progress | None = None,
    states: StateFolder | None = None,
) -> Training:
    """Turn the original `vlm`, whose trainable weights are set, into an unlearned model, in place.

    `states`: as for `train`. Raises UserError if the data or the model does not meet the method's needs.
    """
    if method.card.of_text and isinstance(vlm, ImageClassifier):
        raise UserError(
            f"{method.card.name} needs a model that writes text, and {vlm.name!r} names a class"
        )
    check_data(method, data)
    init = torch.Generator().manual_seed(seeds.init)
    order = torch.Generator().manual_seed(seeds.order)
    stop = trainer.stop if isinstance(method.settings, MethodSettings) else None
    forget, withheld = _withheld(data["forget"], stop, init)
    seen = {**data, "forget": forget}
    streams = method.streams(vlm, seen, init)
    if streams:
        settings: MethodSettings = method.settings
        schedule = Schedule(settings.steps, settings.lr, trainer.schedule, trainer.warmup)
        watched = MonitoredQuestions(
            _encoded(vlm, data["retain"].samples[:WATCHED]) if "retain" in data else None,
            _encoded(vlm, withheld.samples),
        )
        training = train(vlm, method, streams, schedule, order, trainer, watched, progress, states)
    else:
        training = Training()
    if training.collapse is None:
        method.finish(vlm, seen)
    return training


def _encoded(vlm: VLM, samples: Sequence[Sample]) -> Encoding | None:
    return vlm.encode(samples) if samples else None


def check_data(method: Method, data: Data) -> None:
    """Raise UserError if a split is missing, empty or too small, or a picture is missing."""
    card = method.card
    for name in ("forget", "retain"):
        if name in card.needs and not (name in data and data[name].samples):
            raise UserError(f"{card.name}: the {name} set is empty")
    batch_size = getattr(method.settings, "batch_size", 1)
    if "retain" in card.needs and len(data["retain"]) < batch_size:
        raise UserError(
            f"{card.name}: the retain set has {len(data['retain'])} questions, fewer than a batch "
            f"({batch_size}); lower batch_size"
        )
    if "pictures" in card.needs:
        shown = {s.entity for s in data["forget"].samples if s.picture is not None}
        if unseen := sorted(data["forget"].entities - shown):
            raise UserError(
                f"{card.name} needs a picture of every forget entity; {unseen[0]!r} has none"
                + (f", nor have {len(unseen) - 1} more" if len(unseen) > 1 else "")
            )


class _Parts(NamedTuple):
    seen: Split
    withheld: Split


def _withheld(forget: Split, stop: StopAtForgetLoss | None, generator: torch.Generator) -> _Parts:
    """The forget questions that the method sees, and those that only decide when it stops."""
    if stop is None:
        return _Parts(forget, Split(forget.name, ()))
    count = round(stop.share * len(forget))
    if not 0 < count < len(forget):
        raise UserError(
            f"a share of {stop.share:g} of {len(forget)} forget questions cannot be withheld to decide "
            "when to stop"
        )
    chosen = set(torch.randperm(len(forget), generator=generator)[:count].tolist())
    parts = [
        tuple(s for i, s in enumerate(forget.samples) if (i in chosen) == aside)
        for aside in (False, True)
    ]
    return _Parts(Split(forget.name, parts[0]), Split(forget.name, parts[1]))
