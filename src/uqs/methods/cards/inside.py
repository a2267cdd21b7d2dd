"""Inside the model: activations, chosen weights, neurons, directions in weight space."""

from __future__ import annotations

from uqs.methods.cards.card import MethodCard

CARDS: tuple[MethodCard, ...] = ()
