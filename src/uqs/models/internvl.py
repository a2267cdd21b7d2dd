"""InternVL in its transformers form."""

from __future__ import annotations

from typing import ClassVar

from uqs.models.vlm import VLM

_USER, _ASSISTANT = "<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"


class InternVL(VLM):
    """InternVLForConditionalGeneration: a picture is cut into tiles, each of the same number of tokens.

    Source: arXiv 2504.10479.
    """

    name = "internvl"
    model_types: ClassVar[tuple[str, ...]] = ("internvl",)
    processor_class: ClassVar[str] = "InternVLProcessor"
    template: ClassVar[str] = f"{_USER}<IMG_CONTEXT>\n{{text}}{_ASSISTANT}"
    text_template: ClassVar[str] = f"{_USER}{{text}}{_ASSISTANT}"
    answer_prefix: str = ""
    only_for_text: ClassVar[frozenset[str]] = frozenset({"num_patches"})
