"""Idefics3 and SmolVLM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from uqs.models.layer_sets import layer_sets
from uqs.models.vlm import VLM


class Idefics3(VLM):
    """Idefics3ForConditionalGeneration and SmolVLM, which reads single pictures in the same way.

    A large picture is split into rows and columns that the prompt names. SmolVLM's own processor differs for
    videos only, and needs a further package for them. Sources: arXiv 2408.12637, 2504.05299.
    """

    name = "idefics3"
    model_types: ClassVar[tuple[str, ...]] = ("idefics3", "smolvlm")
    processor_class: ClassVar[str] = "Idefics3Processor"
    template: ClassVar[str] = "<|im_start|>User:<image>{text}<end_of_utterance>\nAssistant:"
    text_template: ClassVar[str] = "<|im_start|>User: {text}<end_of_utterance>\nAssistant:"
    only_for_text: ClassVar[frozenset[str]] = frozenset({"rows", "cols"})
    targets: Mapping[str, str] = layer_sets(
        r"text_model\.layers", r"connector\.modality_projection\.proj"
    )

    @property
    def decoder(self) -> Any:
        return self.plain_model.model.text_model
