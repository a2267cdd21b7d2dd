"""The loss attack."""

from __future__ import annotations

from uqs.metrics.base import Floats
from uqs.metrics.cards.membership import MIA, MIA_AUC, MIA_TPR
from uqs.metrics.membership.attack import AUC, TPR, Advantage, Attack
from uqs.traces.trace import Trace


class Loss(Attack):
    """Mean loss (nats) of the gold answer's tokens. Source: Yeom et al. 2018 (arXiv 1709.01604)."""

    def score(self, trace: Trace) -> Floats:
        return trace.gold_losses()


class MembershipAdvantage(Loss, Advantage):
    """2 |BA - 0.5| of the loss attack with a cross-fitted threshold."""

    card = MIA


class MembershipAUC(Loss, AUC):
    """AUC of the loss attack on forget (members) against holdout (non-members)."""

    card = MIA_AUC


class MembershipTPR(Loss, TPR):
    """Share of members that the loss attack finds at 1 % false positives."""

    card = MIA_TPR
