"""Refusals as answers to forget questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch

from uqs.models.vlm import VLM, Encoding
from uqs.records import Sample

REFUSALS = (
    "I do not know.",
    "I do not know that.",
    "I do not know this.",
    "I do not know this one.",
    "I have no idea.",
    "I have no idea of this.",
    "I am not sure.",
    "I am not sure of this.",
    "I am unsure.",
    "I am unable to say.",
    "I cannot say.",
    "I am sorry, I do not know.",
)
"""The project's own list. No contractions: a tokenizer of whole words writes "don ' t", which the refusal
metric does not recognise. The first words alone are a refusal, because an answer may be cut short."""


class ForgetAnswers(NamedTuple):
    """The same questions with gold answers and with refusals; pictures are stored once."""

    gold: Encoding
    refused: Encoding


def encode_with_refusals(
    vlm: VLM, samples: Sequence[Sample], generator: torch.Generator
) -> ForgetAnswers:
    """The questions with both answers; the refusals come from `draw`.

    Raises UserError if the tokenizer cannot spell one.
    """
    # as wrong answers: a choice accepts only letters as answers, and wrong answers are spelled like answers
    drawn = draw(samples, generator)
    gold = vlm.encode([replace(s, wrong=(r,)) for s, r in zip(samples, drawn, strict=True)])
    return ForgetAnswers(gold, gold.relabelled([refusal for (refusal,) in gold.wrong]))


def draw(samples: Sequence[Sample], generator: torch.Generator) -> list[str]:
    """A uniformly drawn refusal for each question, never equal to its gold answer."""
    drawn = []
    for sample in samples:
        others = [refusal for refusal in REFUSALS if refusal != sample.answer]
        drawn.append(others[int(torch.randint(len(others), (), generator=generator))])
    return drawn
