"""Membership inference: can the forget set be told from data that no model was trained on?

A metric combines an attack (a score per sample) with a statistic of the scores.
"""

from uqs.metrics.membership.loss import (
    MembershipAdvantage,
    MembershipAUC,
    MembershipSigned,
    MembershipTPR,
)

__all__ = ["MembershipAUC", "MembershipAdvantage", "MembershipSigned", "MembershipTPR"]
