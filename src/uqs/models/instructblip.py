"""InstructBLIP with a LLaMA as its language model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from uqs.models.blip2 import Blip2
from uqs.models.layer_sets import layer_sets
from uqs.models.vlm import VLM, PictureInputs
from uqs.records import Sample


class InstructBlip(Blip2):
    """InstructBlipForConditionalGeneration on Vicuna: the question decides what is taken from a picture.

    Source: arXiv 2305.06500.
    """

    name = "instructblip"
    model_types: ClassVar[tuple[str, ...]] = ("instructblip",)
    processor_class: ClassVar[str] = "InstructBlipProcessor"
    template: ClassVar[str] = "Question: {text} Short answer:"
    text_template: ClassVar[str] = template
    language_types: ClassVar[tuple[str, ...]] = ("llama",)
    targets: Mapping[str, str] = layer_sets(
        r"language_model\.model\.layers", r"language_projection"
    )

    @property
    def decoder(self) -> Any:
        return self.plain_model.language_model.model

    def shown_with(self, sample: Sample) -> str:
        return self.prompt(sample)

    def show_to(self, sample: Sample) -> PictureInputs:
        """The picture and the question, in the words of the part that reads pictures."""
        asked = self.processor.qformer_tokenizer(self.prompt(sample), return_tensors="pt")
        return {
            **super().show_to(sample),
            "qformer_input_ids": asked["input_ids"],
            "qformer_attention_mask": asked["attention_mask"],
        }

    def lens(self, states: Tensor, layer: int) -> Tensor:
        return VLM.lens(self, states, layer)

    def features(self, inputs: Mapping[str, Any]) -> Tensor:
        found: Tensor = self.plain_model.get_image_features(
            inputs["pixel_values"],
            qformer_input_ids=inputs["qformer_input_ids"],
            qformer_attention_mask=inputs["qformer_attention_mask"],
            return_dict=True,
        ).pooler_output
        return found
