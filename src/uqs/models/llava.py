"""LLaVA 1.5 and similar models."""

from __future__ import annotations

from typing import ClassVar

from uqs.models.vlm import VLM, PictureInputs


class Llava(VLM):
    """LlavaForConditionalGeneration, with the prompt it was tuned on. Source: arXiv 2310.03744."""

    name = "llava"
    model_types: ClassVar[tuple[str, ...]] = ("llava",)
    processor_class: ClassVar[str] = "LlavaProcessor"

    def picture_ids(self, shown: PictureInputs) -> list[int]:
        """By the model alone: processors of older versions do not know all of this."""
        model = self.plain_model
        height, width = shown["pixel_values"].shape[-2:]
        patch: int = model.config.vision_config.patch_size
        begins = any(
            name.endswith("class_embedding")
            for name, _ in model.model.vision_tower.named_parameters()
        )
        dropped: bool = model.config.vision_feature_select_strategy == "default"
        tokens = (height // patch) * (width // patch) + begins - dropped
        return [self.tokenizer.convert_tokens_to_ids(self.image_token)] * tokens
