"""BLIP-2 with a decoder-only language model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor

from uqs.errors import UserError
from uqs.models.vlm import VLM, PictureInputs

_FOR_PICTURES = ("input_ids", "pixel_values", "qformer_input_ids", "qformer_attention_mask")


class Blip2(VLM):
    """Blip2ForConditionalGeneration on OPT, with the prompt of its paper.

    A picture's tokens come first, even before the token that begins a text. A question without a picture goes
    to the language model only; transformers' own forward pass does not allow that. Source: arXiv 2301.12597.
    """

    name = "blip2"
    model_types: ClassVar[tuple[str, ...]] = ("blip-2",)
    processor_class: ClassVar[str] = "Blip2Processor"
    template: ClassVar[str] = "Question: {text} Answer:"
    text_template: ClassVar[str] = template
    targets: Mapping[str, str] = {
        "language.attention": r".*decoder\.layers\.\d+\.self_attn\.([qkv]|out)_proj",
        "language.all": r".*decoder\.layers\.\d+\.(self_attn\.([qkv]|out)_proj|fc[12])",
        "language.all+projector": (
            r".*(decoder\.layers\.\d+\.(self_attn\.([qkv]|out)_proj|fc[12])|language_projection)"
        ),
    }

    language_types: ClassVar[tuple[str, ...]] = ("opt",)

    def __init__(self, model: Any, processor: Any) -> None:
        kind = model.config.text_config.model_type
        if kind not in self.language_types:
            known = " or ".join(self.language_types)
            raise UserError(
                f"{self.name} on {kind!r}: its language model must be {known}; one that has an encoder of "
                "its own is not served"
            )
        if model.config.image_token_index is None:  # as in files from before transformers 4.45
            model.config.image_token_index = processor.tokenizer.convert_tokens_to_ids(
                str(processor.image_token)
            )
        super().__init__(model, processor)

    @property
    def decoder(self) -> Any:
        return self.plain_model.language_model.model.decoder

    def picture_ids(self, shown: PictureInputs) -> list[int]:
        config = self.plain_model.config
        return [config.image_token_id] * config.num_query_tokens

    def _with_picture(self, text: str, ids: Sequence[int], shown: PictureInputs) -> list[int]:
        return [*self.picture_ids(shown), *ids]

    def lens(self, states: Tensor, layer: int) -> Tensor:
        decoder = self.decoder
        if layer != -1:
            if decoder.final_layer_norm is not None:
                states = decoder.final_layer_norm(states)
            if decoder.project_out is not None:
                states = decoder.project_out(states)
        logits: Tensor = self.plain_model.get_output_embeddings()(states)
        return logits

    def run(self, inputs: Mapping[str, Any]) -> Any:
        """Like the model's own forward pass, but pictures may be missing."""
        model, ids = self.plain_model, inputs["input_ids"]
        embedded = model.get_input_embeddings()(ids)
        if "pixel_values" in inputs:
            places = (ids == model.config.image_token_id)[..., None]
            embedded = embedded.masked_scatter(places, self.features(inputs).to(embedded.dtype))
        others = {k: v for k, v in inputs.items() if k not in _FOR_PICTURES}
        return model.language_model(inputs_embeds=embedded, **others)

    def features(self, inputs: Mapping[str, Any]) -> Tensor:
        """The states of pictures, (pictures, tokens, width)."""
        found: Tensor = self.plain_model.get_image_features(
            inputs["pixel_values"], return_dict=True
        ).pooler_output
        return found
