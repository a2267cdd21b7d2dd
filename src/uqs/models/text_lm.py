"""A language model without pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

from uqs.errors import DataError, UserError
from uqs.models.layer_sets import layer_sets
from uqs.models.vlm import VLM
from uqs.records import Sample


class TextProcessor(NamedTuple):
    """A tokenizer in the place of a processor, and the chat template if there is one."""

    tokenizer: Any
    chat_template: str | None = None


class TextLM(VLM):
    """Any causal language model of transformers whose layers have the parts of a LLaMA layer.

    It is asked questions in text alone; a question with a picture is an error.
    """

    name = "text_lm"
    model_types: ClassVar[tuple[str, ...]] = (
        "llama",
        "mistral",
        "qwen2",
        "qwen3",
        "gemma",
        "gemma2",
        "smollm3",
        "olmo2",
    )
    auto_class: ClassVar[str] = "AutoModelForCausalLM"
    sees_pictures: ClassVar[bool] = False
    content_is_text: ClassVar[bool] = True
    text_template: ClassVar[str] = "Question: {text}\nAnswer:"
    targets: Mapping[str, str] = layer_sets(r"model\.layers")

    @classmethod
    def load_processor(cls, folder: Path | str, *, local: bool = True) -> TextProcessor:
        from transformers import AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(
                folder, trust_remote_code=False, local_files_only=local
            )
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())[:300]
            raise DataError(
                f"its tokenizer cannot be opened ({reason})", file=str(folder)
            ) from error
        return TextProcessor(tokenizer, tokenizer.chat_template)

    @classmethod
    def load(cls, *given: Any, **options: Any) -> Self:
        found = super().load(*given, **options)
        if found.tokenizer.pad_token_id is None:
            found.tokenizer.pad_token = found.tokenizer.eos_token
        return found

    @property
    def decoder(self) -> Any:
        return self.plain_model.model

    def prompt(self, sample: Sample) -> str:
        if sample.picture is not None:
            raise UserError(
                f"sample {sample.id!r} has a picture, and {self.name!r} reads text only; choose a "
                "vision-language model, or data without pictures"
            )
        return super().prompt(sample)
