"""Random labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from uqs.errors import UserError
from uqs.methods.base import Method
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.settings import RandomLabelsSettings
from uqs.methods.streams import Stream
from uqs.models.vlm import VLM, Batch
from uqs.records import LETTERS, Sample, Split


class RandomLabels(Method):
    """Cross-entropy of wrong forget answers drawn at random, plus that of the true retain answers."""

    name = "random_labels"
    source = "Golatkar et al. 2020 (arXiv 1911.04933); Graves et al. 2021 (arXiv 2010.10981)"

    def __init__(self, settings: RandomLabelsSettings) -> None:
        self.settings = settings

    def streams(
        self, vlm: VLM, data: Mapping[str, Split], generator: torch.Generator
    ) -> dict[str, Stream]:
        forget, retain = data["forget"].samples, data["retain"].samples
        wrong = relabel(forget, [*forget, *retain], generator)
        size = self.settings.batch_size
        return {
            "forget": Stream.of(vlm.encode(wrong), size),
            "retain": Stream.of(vlm.encode(retain), size),
        }

    def loss(self, vlm: VLM, batches: Mapping[str, Batch]) -> Tensor:
        loss = answer_cross_entropy(vlm, batches["forget"])
        if self.settings.retain_weight:
            loss = loss + self.settings.retain_weight * answer_cross_entropy(vlm, batches["retain"])
        return loss


def relabel(
    samples: Sequence[Sample], pool: Sequence[Sample], generator: torch.Generator
) -> list[Sample]:
    """Each sample with a wrong answer, drawn once and uniformly.

    A choice gets another of its letters. Any other question gets another answer from among the distinct
    answers that `pool` gives to the same question text or, where that knows no other (a question that names
    its entity), to the same task.
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
        relabelled.append(replace(sample, answer=wrong[drawn]))
    return relabelled
