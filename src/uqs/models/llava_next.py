"""LLaVA-NeXT (LLaVA 1.6): a picture is seen whole and in parts."""

from __future__ import annotations

from typing import ClassVar

from uqs.models.vlm import VLM


class LlavaNext(VLM):
    """LlavaNextForConditionalGeneration; its language models have chat templates of their own.

    Source: llava-vl.github.io/blog/2024-01-30-llava-next.
    """

    name = "llava_next"
    model_types: ClassVar[tuple[str, ...]] = ("llava_next",)
    processor_class: ClassVar[str] = "LlavaNextProcessor"
