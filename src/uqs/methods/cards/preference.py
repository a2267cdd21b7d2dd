"""Preferences: the forget answers are made less likely than they were, or than a refusal."""

from __future__ import annotations

from uqs.methods.cards.card import MethodCard

CARDS: tuple[MethodCard, ...] = ()
