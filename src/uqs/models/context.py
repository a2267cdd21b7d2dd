"""How much a model reads at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from uqs.errors import UserError
from uqs.records import Sample

if TYPE_CHECKING:
    from uqs.models.vlm import VLM, Encoding


class TooLongError(UserError):
    """A question that ends behind the last token that the model reads; `end` is where."""

    def __init__(self, sample: str, end: int, limit: int, what: str) -> None:
        self.end, self.limit = end, limit
        super().__init__(
            f"sample {sample!r}: with {what} it ends at token {end}, and the model reads {limit}"
        )


def context(vlm: VLM) -> int | None:
    """Tokens that the language model reads at most, by its configuration; None where that does not say."""
    config = vlm.plain_model.config.get_text_config(decoder=True)
    return getattr(config, "max_position_embeddings", None)


def check_context(
    vlm: VLM, samples: Sequence[Sample], encoded: Encoding, new_tokens: int = 0
) -> None:
    """Raise TooLongError where a question with its longest answer, or with so many new tokens, is too long.

    Behind its context a model still gives numbers: those of noise.
    """
    limit = context(vlm)
    if limit is None:
        return
    rows = zip(samples, encoded.prompts, encoded.answers, encoded.wrong, strict=True)
    for sample, prompt, answer, wrong in rows:
        longest = max(map(len, (answer, *wrong)))
        what = f"{new_tokens} new tokens" if new_tokens > longest else "its answer"
        if (end := len(prompt) + max(longest, new_tokens)) > limit:
            raise TooLongError(sample.id, end, limit, what)
