"""Refusals to answer forget questions with."""

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
"""The project's own list. Nothing is contracted: a tokenizer of whole words writes "don ' t" back, which the
metric of refusals does not read; and the first words alone are a refusal, for an answer may be cut short."""


class ForgetAnswers(NamedTuple):
    """The same questions with their gold answers and with refusals; pictures are held once."""

    gold: Encoding
    refused: Encoding


def encode_with_refusals(
    vlm: VLM, samples: Sequence[Sample], generator: torch.Generator
) -> ForgetAnswers:
    """The questions with both answers; the refusals are those of `draw`.

    Raises UserError where the tokenizer cannot spell one.
    """
    # as wrong answers: a choice takes letters alone, and these are spelled as they stand behind a question
    drawn = draw(samples, generator)
    gold = vlm.encode([replace(s, wrong=(r,)) for s, r in zip(samples, drawn, strict=True)])
    return ForgetAnswers(gold, gold.relabelled([refusal for (refusal,) in gold.wrong]))


def draw(samples: Sequence[Sample], generator: torch.Generator) -> list[str]:
    """A refusal for each question, uniformly; never what is its gold answer already."""
    drawn = []
    for sample in samples:
        others = [refusal for refusal in REFUSALS if refusal != sample.answer]
        drawn.append(others[int(torch.randint(len(others), (), generator=generator))])
    return drawn
