"""PaliGemma and PaliGemma 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from uqs.models.layer_sets import LANGUAGE, layer_sets
from uqs.models.vlm import IGNORED, VLM, Batch, Encoding, PictureInputs
from uqs.records import Sample


class PaliGemma(VLM):
    """PaliGemmaForConditionalGeneration: picture and question see each other, only the answer is causal.

    Positions count from 1. A prompt is the picture, the token that begins a text, the question and a line
    break; there is no chat. Sources: arXiv 2407.07726, 2412.03555.
    """

    name = "paligemma"
    model_types: ClassVar[tuple[str, ...]] = ("paligemma",)
    processor_class: ClassVar[str] = "PaliGemmaProcessor"
    template: ClassVar[str] = "<image>{begin}{text}\n"
    text_template: ClassVar[str] = "{begin}{text}\n"
    answer_prefix: str = ""
    reads_both_ways: ClassVar[bool] = True
    targets: Mapping[str, str] = layer_sets(LANGUAGE, r"multi_modal_projector\.linear")

    @property
    def chat_template(self) -> None:
        """The processor writes the prompt itself."""
        return None

    def prompt(self, sample: Sample) -> str:
        template = self.text_template if sample.picture is None else self.template
        return template.format(begin=self.tokenizer.bos_token, text=self.asked(sample))

    def prompt_positions(self, ids: Sequence[int], shown: PictureInputs | None) -> Tensor:
        return super().prompt_positions(ids, shown) + 1

    def batch_positions(self, encoded: Encoding, indices: Sequence[int], mask: Tensor) -> Tensor:
        return super().batch_positions(encoded, indices, mask) + 1

    def extra_inputs(self, ids: Tensor) -> dict[str, Tensor]:
        """Type 0: tokens of a prompt, which see each other."""
        return {"token_type_ids": torch.zeros_like(ids)}

    def batch(self, encoded: Encoding, indices: Sequence[int]) -> Batch:
        """Like in every family; tokens of answers are of type 1, which sees earlier ones only."""
        made = super().batch(encoded, indices)
        types: Any = {"token_type_ids": (made.labels != IGNORED).long()}
        return replace(made, inputs={**made.inputs, **types})
