"""Which metric follows the truth, and what it says of models whose truth is not known.

One door to three parts: `report_cards` (of metrics), `known_shares` (of models) and `profiles` (a model's
known shares by all metrics).
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from uqs.audit.known_shares import ModelShare, known_shares
from uqs.audit.profiles import Part, Profile, profiles
from uqs.audit.report_cards import Judged, ReportCard, report_cards

__all__ = [
    "Judged",
    "ModelShare",
    "Part",
    "Profile",
    "ReportCard",
    "Truth",
    "known_shares",
    "known_truth",
    "profiles",
    "report_cards",
]


@dataclass(frozen=True)
class Truth:
    """What models of known truth say of metrics and of models; empty without references.

    Known shares and profiles are those of headline splits.
    """

    report_cards: tuple[ReportCard, ...] = ()
    known_shares: tuple[ModelShare, ...] = ()
    profiles: tuple[Profile, ...] = ()


def known_truth(long: pd.DataFrame) -> Truth:
    """All three parts of a checked long form."""
    cards = report_cards(long)
    headline = [card for card in cards if card.headline]
    if not headline:
        return Truth(cards)
    shares = known_shares(long, headline)
    return Truth(cards, shares, profiles(shares, headline))
