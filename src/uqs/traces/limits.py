"""Checks that no right answer is longer than the limit for a model's answers."""

from __future__ import annotations

from uqs.errors import UserError
from uqs.models.encodings import answer_lengths
from uqs.models.vlm import VLM
from uqs.records import Split

UNJUDGED = frozenset({"fluent", "answers_of_model", "answers_of_oracle"})
"""Splits whose answers are used only for their likelihood, not compared with greedy answers."""


def check_answers(vlm: VLM, split: Split, limit: int) -> None:
    """Raise UserError if a right answer, without its end mark, has more tokens than `limit`.

    No model could answer such a question correctly, so every model would seem to have forgotten it.
    """
    if split.name in UNJUDGED or not split.samples:
        return
    lengths = answer_lengths(vlm, split.samples)
    longest = max(range(len(lengths)), key=lengths.__getitem__)
    if lengths[longest] > limit:
        raise UserError(
            f"split {split.name!r}, sample {split.samples[longest].id!r}: its answer has "
            f"{lengths[longest]} tokens, but a model may give at most {limit}, so it could "
            "never be right; raise max_new_tokens"
        )
