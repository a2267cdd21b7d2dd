"""Looks up the class and the card of any method by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uqs import registry
from uqs.errors import UserError
from uqs.methods.cards import CARDS
from uqs.methods.cards.card import MethodCard

if TYPE_CHECKING:
    from uqs.methods.base import Method


def method_card(name: str) -> MethodCard:
    """The card of a method. A built-in method's code is not loaded; a plug-in's class is."""
    return CARDS[name] if name in CARDS else method_class(name).card


def method_class(name: str) -> type[Method]:
    """The class of a registered method or of FILE.py:CLASS.

    Raises UserError if a plug-in is not a method with a card of its own.
    """
    found: type[Method] = registry.get("method", name)
    if name not in registry.BUILT_IN["method"]:
        _check(found, name)
    return found


def _check(found: object, name: str) -> None:
    from uqs.methods.base import Method  # torch

    where = registry.problem("method", name)
    if not (isinstance(found, type) and issubclass(found, Method)):
        raise UserError(f"{where}: it is not a subclass of uqs.methods.base.Method")
    card = getattr(found, "card", None)
    if not isinstance(card, MethodCard):
        raise UserError(f"{where}: it declares no `card`, a uqs.methods.cards.card.MethodCard")
    if card.name in registry.BUILT_IN["method"]:
        raise UserError(f"{where}: its card takes the built-in method name {card.name!r}")
    if not registry.is_file(name) and card.name != name:
        raise UserError(f"{where}: its card says {card.name!r}")
