"""The cards of all built-in methods by name; reading them does not import the methods."""

from __future__ import annotations

from uqs.methods.cards import ascent, baselines, inside, labels, preference, pruned
from uqs.methods.cards.card import MethodCard

GROUPS = (ascent, labels, preference, inside, pruned, baselines)
CARDS: dict[str, MethodCard] = {card.name: card for group in GROUPS for card in group.CARDS}
