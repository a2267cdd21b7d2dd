"""The declarations of all metrics by their symbol; no metric's code is needed to read them."""

from __future__ import annotations

from uqs.metrics.cards import accuracy, distance, health, membership, memorisation, recoverability
from uqs.metrics.cards.accuracy import FA, RA
from uqs.metrics.cards.distance import AD, FUNCTIONAL_DISTANCE, JS, ORACLE_DISTANCE
from uqs.metrics.cards.membership import MIA, MIA_AUC
from uqs.metrics.cards.recoverability import KR, KR_IMP
from uqs.records import MetricCard

__all__ = [
    "AD",
    "CARDS",
    "CORE",
    "FA",
    "FUNCTIONAL_DISTANCE",
    "GROUPS",
    "JS",
    "MIA",
    "MIA_AUC",
    "ORACLE_DISTANCE",
    "RA",
    "UQS_METRICS",
]

_CORE = (FA, RA, MIA, MIA_AUC, AD, JS, KR, KR_IMP, ORACLE_DISTANCE, FUNCTIONAL_DISTANCE)
GROUPS = (accuracy, memorisation, membership, distance, recoverability, health)
CARDS: dict[str, MetricCard] = {
    card.symbol: card for card in (*_CORE, *(card for group in GROUPS for card in group.CARDS))
}
CORE = tuple(card.name for card in (*_CORE, health.UNREAD))
"""The metrics of a study that names none."""
UQS_METRICS = ("FA", "RA", "MIA", "AD", "JS")
