"""The Min-K%++ attack."""

from __future__ import annotations

import numpy as np

from uqs.metrics.base import Floats
from uqs.metrics.membership.attack import AUC, TPR, Advantage, Attack, AttackCards
from uqs.metrics.membership.min_k import PERCENT, lowest
from uqs.traces.trace import Trace

LEAST_VARIANCE = 1e-6

CARDS = AttackCards(
    name="membership_min_k_plus",
    symbol="MIA_min_k++",
    score="the standardised loss of the least likely tokens",
    source="Min-K%++, k = 20: Zhang et al. 2025 (arXiv 2404.02936)",
)


class MinKPlus(Attack):
    """Minus the mean of the lowest 20 % of standardised gold log-probabilities (at least one token).

    A token's log-probability is standardised by the mean and standard deviation of log p(token) under the
    model's own distribution at that position. A variance below 1e-6 is raised to 1e-6, because a model can be
    more certain than float32 can express. Source: Zhang et al. 2025 (arXiv 2404.02936).
    """

    def score(self, trace: Trace) -> Floats:
        gaps = trace.gold_log_probs.astype(np.float64) - trace.means
        deviations = np.sqrt(np.maximum(trace.variances.astype(np.float64), LEAST_VARIANCE))
        return -lowest(trace, gaps / deviations, PERCENT)


class MinKPlusAUC(MinKPlus, AUC):
    """AUC of the Min-K%++ attack on forget (members) against holdout (non-members)."""

    card = CARDS.auc()


class MinKPlusAdvantage(MinKPlus, Advantage):
    """2 |BA - 0.5| of the Min-K%++ attack with a cross-fitted threshold."""

    card = CARDS.advantage()


class MinKPlusTPR(MinKPlus, TPR):
    """Share of members that the Min-K%++ attack finds at 1 % false positives."""

    card = CARDS.tpr()
