"""The loss attack."""

from __future__ import annotations

from uqs.metrics.base import Floats
from uqs.metrics.membership.attack import (
    AUC,
    TPR,
    Advantage,
    Attack,
    AttackCards,
    SignedAdvantage,
)
from uqs.records import MetricCard
from uqs.traces.trace import Trace

CARDS = AttackCards(
    name="membership",
    symbol="MIA",
    score="the loss",
    source="Yeom et al. 2018 (arXiv 1709.01604)",
)


class Loss(Attack):
    """Mean loss (nats) of the gold answer's tokens. Source: Yeom et al. 2018 (arXiv 1709.01604)."""

    def score(self, trace: Trace) -> Floats:
        return trace.gold_losses()


class MembershipAdvantage(Loss, Advantage):
    """2 |BA - 0.5| of the loss attack with a cross-fitted threshold."""

    card = MetricCard(
        name="membership_advantage",
        symbol="MIA",
        group="membership",
        better="lower",
        bounds=(0, 1),
        split="forget",
        source=(
            "loss attack: Yeom et al. 2018 (arXiv 1709.01604); chance-centred: authors of arXiv "
            "2605.02206"
        ),
        does_not_show=(
            "that no attack finds the members: a stronger one, or one aimed at single samples, "
            "still may"
        ),
    )


class MembershipAUC(Loss, AUC):
    """AUC of the loss attack on forget (members) against holdout (non-members)."""

    card = MetricCard(
        name="membership_auc",
        symbol="MIA_AUC",
        group="membership",
        better="target",
        bounds=(0, 1),
        split="forget",
        source="Yeom et al. 2018 (arXiv 1709.01604)",
        does_not_show=(
            "that no single sample is exposed: an average over pairs hides the few that are certain"
        ),
    )


class MembershipSigned(Loss, SignedAdvantage):
    """BA - 0.5 of the attack of MIA, with its sign: 0 on average where forget and holdout do not differ.

    There the mean of MIA, which has no sign, is about as large as its standard error.
    """

    card = MetricCard(
        name="membership_signed",
        symbol="MIA_SIGNED",
        group="membership",
        better="target",
        bounds=(-0.5, 0.5),
        split="forget",
        source="Yeom et al. 2018 (arXiv 1709.01604)",
        does_not_show=(
            "that no attack finds the members: a stronger one, or one aimed at single samples, "
            "still may"
        ),
    )


class MembershipTPR(Loss, TPR):
    """Share of members that the loss attack finds at 1 % false positives."""

    card = CARDS.tpr()
