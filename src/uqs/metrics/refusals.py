"""Refusals."""

from __future__ import annotations

import re

import numpy as np

from uqs.metrics.base import Floats
from uqs.metrics.by_split import SplitMetric
from uqs.records import MetricCard
from uqs.traces.trace import Trace

PATTERNS = (
    r"\bI (?:do not|don't) (?:know|recall|remember|recognise|recognize)\b",
    r"\bI (?:do not|don't) have (?:\w+ ){0,3}(?:information|knowledge|answer|data)\b",
    r"\bI (?:cannot|can't|could not|couldn't) (?:answer|say|tell|help|assist|provide|share|identify)\b",
    r"\bI(?: am|'m) (?:sorry|unsure|unable|not (?:sure|certain|able|allowed|familiar))\b",
    r"\bI(?: am|'m) afraid (?:that )?I\b",
    r"\bI have no (?:idea|information|knowledge|answer)\b",
    r"\bI (?:refuse|decline|must decline|would rather not)\b",
    r"\bno (?:information|answer) (?:is )?(?:available|known)\b",
    r"\bas an? (?:AI|AI assistant|AI model|(?:large )?language model),",
)
"""The project's own short list of English phrases; not a standard."""
_REFUSAL = re.compile("|".join(PATTERNS), re.IGNORECASE)


class Refusals(SplitMetric):
    """Share of greedy answers that contain one of the phrases in `PATTERNS`; also on retain and holdout.

    The oracle's share on holdout and forget shows how often a model without the knowledge refuses.
    """

    card = MetricCard(
        name="refusals",
        symbol="REFUSE",
        group="health",
        of_text=True,
        better="target",
        bounds=(0, 1),
        split="forget",
        source="the project's own list of phrases (uqs.metrics.refusals)",
        does_not_show=(
            "that no answer is held back: a refusal in other words than the listed ones goes unseen"
        ),
    )
    also = ("retain", "holdout")

    def values(self, trace: Trace) -> Floats:
        return np.array([refuses(answer) for answer in trace.answers], dtype=np.float64)


def refuses(answer: str) -> bool:
    """Whether an answer contains one of the phrases; typographic apostrophes count as plain ones."""
    return _REFUSAL.search(answer.replace("\u2019", "'")) is not None
