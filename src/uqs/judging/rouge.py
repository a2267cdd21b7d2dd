"""ROUGE-L of an answer, by the package `rouge-score`, with Porter's stemmer."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

_READABLE = re.compile("[a-z0-9]")


class RougeL(NamedTuple):
    """Longest common subsequence over the words of the gold answer (recall), and the F-measure."""

    recall: float
    f_measure: float


def rouge_l(answer: str, gold: str) -> RougeL:
    """ROUGE-L of `answer`. Raises ValueError if `gold` has no letter from a to z and no digit: the package
    reads nothing else."""
    if not readable(gold):
        raise ValueError(f"gold answer {gold!r} has no letter from a to z and no digit")
    found = _scorer().score(gold, answer)["rougeL"]
    return RougeL(float(found.recall), float(found.fmeasure))


def readable(gold: str) -> bool:
    """Whether a gold answer has a letter from a to z or a digit."""
    return _READABLE.search(gold.lower()) is not None


@cache
def _scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer
    from rouge_score.tokenizers import DefaultTokenizer

    return RougeScorer(["rougeL"], tokenizer=DefaultTokenizer(use_stemmer=True))
