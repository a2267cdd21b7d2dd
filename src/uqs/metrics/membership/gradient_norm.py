"""The gradient attack."""

from __future__ import annotations

import numpy as np

from uqs.metrics.base import Floats
from uqs.metrics.membership.attack import AUC, TPR, Advantage, Attack, AttackCards
from uqs.traces.trace import Trace

CARDS = AttackCards(
    name="membership_gradient_norm",
    symbol="MIA_grad",
    score="the gradient of the output layer",
    source="Wang et al. 2024 (arXiv 2402.17012), output layer alone",
)


class GradientNorm(Attack):
    """Norm of the gradient of the mean gold loss with respect to the output layer's weights.

    The published attack uses all weights; the output layer alone needs no backward pass.
    Source: Wang et al. 2024 (arXiv 2402.17012).
    """

    def score(self, trace: Trace) -> Floats:
        return trace.gradient_norms.astype(np.float64)


class GradientNormAUC(GradientNorm, AUC):
    """AUC of the gradient attack on forget (members) against holdout (non-members)."""

    card = CARDS.auc()


class GradientNormAdvantage(GradientNorm, Advantage):
    """2 |BA - 0.5| of the gradient attack with a cross-fitted threshold."""

    card = CARDS.advantage()


class GradientNormTPR(GradientNorm, TPR):
    """Share of members that the gradient attack finds at 1 % false positives."""

    card = CARDS.tpr()
