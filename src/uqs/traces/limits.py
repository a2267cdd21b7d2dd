"""Answers that are longer than a model may speak."""

from __future__ import annotations

from uqs.errors import UserError
from uqs.models.encodings import answer_lengths
from uqs.models.vlm import VLM
from uqs.records import Split

UNJUDGED = frozenset({"fluent", "answers_of_model", "answers_of_oracle"})
"""Splits whose answers are read for their likelihood alone: no greedy answer is held against them."""


def check_answers(vlm: VLM, split: Split, limit: int) -> None:
    """Raise UserError where a right answer has more tokens, its end mark not counted, than `limit`.

    No model could answer such a question right, and each would seem to have forgotten it.
    """
    if split.name in UNJUDGED or not split.samples:
        return
    lengths = answer_lengths(vlm, split.samples)
    longest = max(range(len(lengths)), key=lengths.__getitem__)
    if lengths[longest] > limit:
        raise UserError(
            f"split {split.name!r}, sample {split.samples[longest].id!r}: its answer has "
            f"{lengths[longest]} tokens, and a model says {limit} at most, so that it could "
            "never be right; raise max_new_tokens"
        )
