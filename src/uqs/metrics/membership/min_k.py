"""The Min-K% attack."""

from __future__ import annotations

import numpy as np

from uqs.metrics.base import Floats
from uqs.metrics.membership.attack import AUC, TPR, Advantage, Attack, AttackCards
from uqs.traces.trace import Trace

PERCENT = 20

CARDS = AttackCards(
    name="membership_min_k",
    symbol="MIA_min_k",
    score="the loss of the least likely tokens",
    source="Min-K%, k = 20: Shi et al. 2024 (arXiv 2310.16789)",
    of_text=True,
)


class MinK(Attack):
    """Minus the mean log-probability of the 20 % least likely gold tokens (at least one token).

    Source: Shi et al. 2024 (arXiv 2310.16789).
    """

    def score(self, trace: Trace) -> Floats:
        return -lowest(trace, trace.gold_log_probs.astype(np.float64), PERCENT)


def lowest(trace: Trace, values: Floats, percent: int) -> Floats:
    """Mean of the lowest `percent` % of each sample's (positions,) values: (n,).

    The number of values is rounded down, but is at least one. NaN if a value is not finite.
    """
    means = []
    for start, length in zip(trace.offsets[:-1], trace.lengths(), strict=True):
        own, count = values[start : start + length], max(1, int(length) * percent // 100)
        means.append(np.sort(own)[:count].mean() if np.isfinite(own).all() else np.nan)
    return np.array(means, dtype=np.float64)


class MinKAUC(MinK, AUC):
    """AUC of the Min-K% attack on forget (members) against holdout (non-members)."""

    card = CARDS.auc()


class MinKAdvantage(MinK, Advantage):
    """2 |BA - 0.5| of the Min-K% attack with a cross-fitted threshold."""

    card = CARDS.advantage()


class MinKTPR(MinK, TPR):
    """Share of members that the Min-K% attack finds at 1 % false positives."""

    card = CARDS.tpr()
