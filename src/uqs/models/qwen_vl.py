"""Qwen2-VL, Qwen2.5-VL and similar models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from uqs.models.layer_sets import LANGUAGE, layer_sets
from uqs.models.processors import picture_processor
from uqs.models.vlm import VLM, Encoding, PictureInputs

_SYSTEM = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
_USER, _ASSISTANT = "<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"


@dataclass(frozen=True)
class QwenProcessor:
    """The part of a Qwen2-VL processor that questions need; without video."""

    tokenizer: Any
    image_processor: Any
    chat_template: str | None = None
    image_token: str = "<|image_pad|>"  # noqa: S105


class QwenVL(VLM):
    """Qwen2-VL and Qwen2.5-VL, with pictures of any size and three position axes.

    A question is one user turn in the folder's own chat template, or in the published template (below) if the
    folder has none. Sources: arXiv 2409.12191, 2502.13923.
    """

    name = "qwen_vl"
    model_types: ClassVar[tuple[str, ...]] = ("qwen2_vl", "qwen2_5_vl")
    template: ClassVar[str] = (
        f"{_SYSTEM}{_USER}<|vision_start|><|image_pad|><|vision_end|>{{text}}{_ASSISTANT}"
    )
    text_template: ClassVar[str] = f"{_SYSTEM}{_USER}{{text}}{_ASSISTANT}"
    answer_prefix: str = ""
    position_axes: ClassVar[int] = 3
    targets: Mapping[str, str] = layer_sets(LANGUAGE, r"visual\.merger\.mlp\.[02]")

    @classmethod
    def load_processor(cls, folder: Path | str, *, local: bool = True) -> QwenProcessor:
        from transformers import AutoTokenizer, Qwen2VLProcessor

        tokenizer = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=local
        )
        # the template may be in a file of the processor or of the tokenizer
        about, _ = Qwen2VLProcessor.get_processor_dict(folder, local_files_only=local)
        pictures = picture_processor(folder, local=local)
        return QwenProcessor(
            tokenizer, pictures, about.get("chat_template") or tokenizer.chat_template
        )

    def picture_ids(self, shown: PictureInputs) -> list[int]:
        merged: int = self.processor.image_processor.merge_size**2
        tokens = int(shown["image_grid_thw"][0].prod()) // merged
        return [self.tokenizer.convert_tokens_to_ids(self.image_token)] * tokens

    def prompt_positions(self, ids: Sequence[int], shown: PictureInputs | None) -> Tensor:
        """By the model's own rule: a picture's tokens are in a grid, text continues after its long side."""
        rows = torch.tensor([list(ids)])
        positions, _ = self.plain_model.model.get_rope_index(
            rows,
            image_grid_thw=None if shown is None else shown["image_grid_thw"],
            **self.extra_inputs(rows),
        )
        found: Tensor = positions[:, 0]
        return found

    def batch_positions(self, encoded: Encoding, indices: Sequence[int], mask: Tensor) -> Tensor:
        places = torch.zeros((self.position_axes, *mask.shape), dtype=torch.long)
        for row, i in enumerate(indices):
            shown = encoded.pictures[encoded.picture[i]] if encoded.picture[i] >= 0 else None
            whole = self.prompt_positions(encoded.prompts[i] + encoded.answers[i], shown)
            places[:, row, mask[row].bool()] = whole
        return places

    def extra_inputs(self, ids: Tensor) -> dict[str, Tensor]:
        mark = self.tokenizer.convert_tokens_to_ids(self.image_token)
        return {"mm_token_type_ids": (ids == mark).long()}
