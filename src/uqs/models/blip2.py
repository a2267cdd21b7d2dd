"""BLIP-2 with a decoder-only language model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor

from uqs.errors import UserError
from uqs.models.vlm import VLM, PictureInputs


class Blip2(VLM):
    """Blip2ForConditionalGeneration on OPT, with the prompt of its paper.

    A picture's tokens come first, even before the token that begins a text. A question without a picture goes
    to the language model only; transformers' own forward pass does not allow that. Source: arXiv 2301.12597.
    """

    name = "blip2"
    model_types: ClassVar[tuple[str, ...]] = ("blip-2",)
    template: ClassVar[str] = "Question: {text} Answer:"
    text_template: ClassVar[str] = template
    targets: ClassVar[Mapping[str, str]] = {
        "language.attention": r".*decoder\.layers\.\d+\.self_attn\.([qkv]|out)_proj",
        "language.all": r".*decoder\.layers\.\d+\.(self_attn\.([qkv]|out)_proj|fc[12])",
        "language.all+projector": (
            r".*(decoder\.layers\.\d+\.(self_attn\.([qkv]|out)_proj|fc[12])|language_projection)"
        ),
    }

    def __init__(self, model: Any, processor: Any) -> None:
        kind = model.config.text_config.model_type
        if kind != "opt":
            raise UserError(f"BLIP-2 on {kind!r}: its language model must be OPT")
        if model.config.image_token_index is None:  # as in files from before transformers 4.45
            model.config.image_token_index = processor.tokenizer.convert_tokens_to_ids(
                str(processor.image_token)
            )
        super().__init__(model, processor)

    @property
    def decoder(self) -> Any:
        return self.plain_model.language_model.model.decoder

    def picture_tokens(self, shown: PictureInputs) -> int:
        return int(self.plain_model.config.num_query_tokens)

    def _with_picture(self, ids: Sequence[int], shown: PictureInputs) -> list[int]:
        mark: int = self.plain_model.config.image_token_id
        return [mark] * self.picture_tokens(shown) + list(ids)

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
        model = self.plain_model
        ids, pixels = inputs["input_ids"], inputs.get("pixel_values")
        embedded = model.get_input_embeddings()(ids)
        if pixels is not None:
            features = model.get_image_features(pixels, return_dict=True).pooler_output
            places = (ids == model.config.image_token_id)[..., None]
            embedded = embedded.masked_scatter(places, features.to(embedded.dtype))
        others = {k: v for k, v in inputs.items() if k not in ("input_ids", "pixel_values")}
        return model.language_model(inputs_embeds=embedded, **others)
