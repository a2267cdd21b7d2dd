"""Qwen3-VL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from uqs.models.layer_sets import LANGUAGE, layer_sets
from uqs.models.qwen_vl import QwenVL

_USER, _ASSISTANT = "<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"


class Qwen3VL(QwenVL):
    """Like Qwen2-VL, without a system turn; picture features enter several language layers.

    Source: arXiv 2511.21631.
    """

    name = "qwen3_vl"
    model_types: ClassVar[tuple[str, ...]] = ("qwen3_vl",)
    template: ClassVar[str] = (
        f"{_USER}<|vision_start|><|image_pad|><|vision_end|>{{text}}{_ASSISTANT}"
    )
    text_template: ClassVar[str] = f"{_USER}{{text}}{_ASSISTANT}"
    targets: Mapping[str, str] = layer_sets(LANGUAGE, r"visual\.merger\.linear_fc[12]")
