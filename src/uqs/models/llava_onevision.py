"""LLaVA-OneVision."""

from __future__ import annotations

from typing import ClassVar

from uqs.models.vlm import VLM

_USER, _ASSISTANT = "<|im_start|>user ", "<|im_end|><|im_start|>assistant\n"


class LlavaOnevision(VLM):
    """LlavaOnevisionForConditionalGeneration, on Qwen2. Source: arXiv 2408.03326."""

    name = "llava_onevision"
    model_types: ClassVar[tuple[str, ...]] = ("llava_onevision",)
    processor_class: ClassVar[str] = "LlavaOnevisionProcessor"
    template: ClassVar[str] = f"{_USER}<image>\n{{text}}{_ASSISTANT}"
    text_template: ClassVar[str] = f"{_USER}\n{{text}}{_ASSISTANT}"
    answer_prefix: str = ""
