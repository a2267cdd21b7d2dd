"""The gradient attack."""

from __future__ import annotations

import numpy as np

from uqs.metrics.base import Floats
from uqs.metrics.cards.membership import MIA_GRAD_ADV, MIA_GRAD_AUC, MIA_GRAD_TPR
from uqs.metrics.membership.attack import AUC, TPR, Advantage, Attack
from uqs.traces.trace import Trace


class GradientNorm(Attack):
    """Norm of the gradient of the mean gold loss by the output layer's weights.

    The published attack takes all weights; the output layer alone needs no backward pass.
    Source: Wang et al. 2024 (arXiv 2402.17012).
    """

    def score(self, trace: Trace) -> Floats:
        return trace.gradient_norms.astype(np.float64)


class GradientNormAUC(GradientNorm, AUC):
    """AUC of the gradient attack on forget (members) against holdout (non-members)."""

    card = MIA_GRAD_AUC


class GradientNormAdvantage(GradientNorm, Advantage):
    """2 |BA - 0.5| of the gradient attack with a cross-fitted threshold."""

    card = MIA_GRAD_ADV


class GradientNormTPR(GradientNorm, TPR):
    """Share of members that the gradient attack finds at 1 % false positives."""

    card = MIA_GRAD_TPR
