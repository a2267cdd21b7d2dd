"""The card of any method that a study can name."""

from __future__ import annotations

from uqs import registry
from uqs.methods.cards import CARDS
from uqs.methods.cards.card import MethodCard


def method_card(name: str) -> MethodCard:
    """A built-in method's card without its code, or that of a plug-in, whose class is loaded for it."""
    if name in CARDS:
        return CARDS[name]
    found: MethodCard = registry.get("method", name).card
    return found
