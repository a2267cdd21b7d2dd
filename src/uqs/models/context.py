"""How many tokens a model can read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from uqs.errors import UserError
from uqs.records import Sample

if TYPE_CHECKING:
    from uqs.models.vlm import VLM, Encoding


class TooLongError(UserError):
    """A question that is longer than the model can read; `end` is the position of its end."""

    def __init__(self, sample: str, end: int, limit: int, what: str) -> None:
        self.end, self.limit = end, limit
        super().__init__(
            f"sample {sample!r}: with {what} it ends at token {end}, and the model reads {limit}"
        )


def context(vlm: VLM) -> int | None:
    """The most tokens that the language model can read, by its configuration; None if not given."""
    config = vlm.plain_model.config.get_text_config(decoder=True)
    return getattr(config, "max_position_embeddings", None)


def check_context(
    vlm: VLM, samples: Sequence[Sample], encoded: Encoding, new_tokens: int = 0
) -> None:
    """Raise TooLongError if a question with its longest answer, or with that many new tokens, is too long.

    Beyond its context a model still gives numbers, but they are noise.
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
