"""LLaVA 1.5 and similar models."""

from __future__ import annotations

from typing import ClassVar

from uqs.models.vlm import VLM, PictureInputs


class Llava(VLM):
    """LlavaForConditionalGeneration, with the prompt it was tuned on. Source: arXiv 2310.03744."""

    name = "llava"
    model_types: ClassVar[tuple[str, ...]] = ("llava",)

    def picture_tokens(self, shown: PictureInputs) -> int:
        height, width = shown["pixel_values"].shape[-2:]
        patch: int = self.processor.patch_size
        extra: int = self.processor.num_additional_image_tokens
        dropped: bool = self.processor.vision_feature_select_strategy == "default"
        return (height // patch) * (width // patch) + extra - dropped
