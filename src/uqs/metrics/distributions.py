"""Two models' next-token distributions over the same tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uqs.metrics.base import Floats
from uqs.traces.trace import Trace


@dataclass(frozen=True)
class CommonTokens:
    """Log-probabilities (positions, tokens) of the tokens that are known of both, -inf where a column is no
    token at a position, and the probabilities (positions,) of all other tokens together.

    The rests are 0 where whole distributions were kept.
    """

    first: Floats
    second: Floats
    first_rest: Floats
    second_rest: Floats

    def merged(self) -> tuple[Floats, Floats]:
        """Both distributions with all other tokens as one, (positions, tokens + 1)."""
        with np.errstate(divide="ignore"):
            return (
                np.column_stack([self.first, np.log(self.first_rest)]),
                np.column_stack([self.second, np.log(self.second_rest)]),
            )


def common_tokens(first: Trace, second: Trace) -> CommonTokens:
    """What is known of both models at every answer position.

    Raises ValueError where the vocabularies differ or only one trace keeps whole distributions.
    """
    if first.vocabulary != second.vocabulary or first.complete != second.complete:
        raise ValueError(f"distributions of split {first.split!r} are not over the same tokens")
    one, other = (trace.top_log_probs.astype(np.float64) for trace in (first, second))
    if first.complete:
        rest = np.zeros(len(one))
        return CommonTokens(one, other, rest, rest)
    matched = np.full(one.shape, -np.inf)
    for position, (ids, others) in enumerate(zip(first.top_ids, second.top_ids, strict=True)):
        _, mine, theirs = np.intersect1d(ids, others, assume_unique=True, return_indices=True)
        matched[position, mine] = other[position, theirs]
    known: NDArray[np.bool_] = ~np.isneginf(matched)
    shared = np.where(known, one, -np.inf)
    return CommonTokens(shared, matched, _rest(shared), _rest(matched))


def _rest(log_probs: Floats) -> Floats:
    rest: Floats = np.clip(1 - np.exp(log_probs).sum(axis=1), 0, 1)
    return rest
