"""LLaVA 1.5 and similar models."""

from __future__ import annotations

from typing import ClassVar

from uqs.models.vlm import VLM


class Llava(VLM):
    """LlavaForConditionalGeneration, with the prompt it was tuned on. Source: arXiv 2310.03744."""

    name = "llava"
    model_types: ClassVar[tuple[str, ...]] = ("llava",)
    processor_class: ClassVar[str] = "LlavaProcessor"
