"""The original as it is."""

from __future__ import annotations

from uqs.methods.base import Method
from uqs.methods.cards.baselines import ORIGINAL


class Original(Method):
    """Does nothing: shows every metric's value for a model that has forgotten nothing."""

    card = ORIGINAL
