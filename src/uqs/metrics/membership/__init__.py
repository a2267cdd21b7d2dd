"""Membership inference: can the forget set be told from data that no model was trained on?

A metric is an attack, which gives each sample a score, and a statistic of the scores.
"""

from uqs.metrics.membership.loss import MembershipAdvantage, MembershipAUC, MembershipTPR

__all__ = ["MembershipAUC", "MembershipAdvantage", "MembershipTPR"]
