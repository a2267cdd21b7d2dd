"""Random labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from uqs.errors import UserError
from uqs.methods.base import Batches, Data, Method, Step
from uqs.methods.cards.labels import RANDOM_LABELS
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.streams import Stream
from uqs.models.vlm import VLM
from uqs.records import LETTERS, Sample


class RandomLabels(Method):
    """Cross-entropy of wrong forget answers drawn at random, plus that of the true retain answers."""

    card = RANDOM_LABELS

    def streams(self, vlm: VLM, data: Data, generator: torch.Generator) -> dict[str, Stream]:
        forget, retain = data["forget"].samples, data["retain"].samples
        wrong = relabel(forget, [*forget, *retain], generator)
        size = self.settings.batch_size
        return {
            "forget": Stream.of(vlm.encode(wrong), size),
            "retain": Stream.of(vlm.encode(retain), size),
        }

    def loss(self, vlm: VLM, batches: Batches, step: Step) -> Tensor:
        loss = answer_cross_entropy(vlm, batches["forget"])
        if self.settings.retain_weight:
            loss = loss + self.settings.retain_weight * answer_cross_entropy(vlm, batches["retain"])
        return loss


def relabel(
    samples: Sequence[Sample], pool: Sequence[Sample], generator: torch.Generator
) -> list[Sample]:
    """Each sample with a wrong answer, drawn once and uniformly.

    A multiple-choice question gets another of its letters. Any other question gets another of the distinct
    answers in `pool` to the same question text, or, if there is no other (a question that names its entity),
    to the same task.
    """
    by_text: dict[str, set[str]] = {}
    by_task: dict[str, set[str]] = {}
    for sample in pool:
        by_text.setdefault(sample.text, set()).add(sample.answer)
        by_task.setdefault(sample.task, set()).add(sample.answer)
    relabelled = []
    for sample in samples:
        if sample.task == "classification":
            known = set(LETTERS[: len(sample.options)])
        else:
            known = by_text.get(sample.text, set()) | {sample.answer}
            if len(known) == 1:
                known = by_task.get(sample.task, set())
        wrong = sorted(known - {sample.answer})
        if not wrong:
            raise UserError(f"sample {sample.id!r}: no other answer to draw a random label from")
        drawn = int(torch.randint(len(wrong), (), generator=generator))
        relabelled.append(replace(sample, answer=wrong[drawn], wrong=()))
    return relabelled
