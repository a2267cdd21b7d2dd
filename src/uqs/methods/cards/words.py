"""Fields of cards in words, for tables."""

from __future__ import annotations

from uqs.methods.cards.card import MethodCard, Passes


def needs(card: MethodCard) -> str:
    """The data that a method reads."""
    return ", ".join(sorted(card.needs)) or "nothing"


def passes(passes: Passes) -> str:
    """The cost of a step: passes over a batch, forward and back, or only forward."""
    parts = [
        f"{count:g} {what}"
        for count, what in zip(passes, ("training", "forward"), strict=True)
        if count
    ]
    return " + ".join(parts) or "none"
