"""Which metric follows the truth, and what it says of models whose truth is not known.

One door to three parts: `report_cards` (of metrics), `known_shares` (of models) and `profiles` (a model's
known shares by all metrics).
"""

from uqs.audit.known_shares import ModelShare, known_shares
from uqs.audit.profiles import Part, Profile, profiles
from uqs.audit.report_cards import Judged, ReportCard, report_cards

__all__ = [
    "Judged",
    "ModelShare",
    "Part",
    "Profile",
    "ReportCard",
    "known_shares",
    "profiles",
    "report_cards",
]
