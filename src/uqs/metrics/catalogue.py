"""All available metrics: built-in, from entry points `uqs.metrics`, and classes in FILE.py:CLASS."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from uqs import registry
from uqs.errors import UserError
from uqs.metrics.base import Metric
from uqs.records import MetricCard

CORE = (
    "forget_accuracy",
    "retain_accuracy",
    "membership_advantage",
    "membership_auc",
    "activation_distance",
    "jensen_shannon",
    "knowledge_recoverability_explicit",
    "knowledge_recoverability_implicit",
    "oracle_distance",
    "functional_distance",
    "unread_choices",
)
"""The metrics of a study that names none; they come first in every list."""
BUILT_IN = (*CORE, *(name for name in registry.BUILT_IN["metric"] if name not in CORE))
"""The names of the built-in metrics in display order."""


def metric_class(name: str) -> type[Metric]:
    """The class of a registered metric or of FILE.py:CLASS.

    Raises UserError if it does not exist, or if a plug-in is not a metric with a card of its own.
    """
    found: type[Metric] = registry.get("metric", name)
    if name not in registry.BUILT_IN["metric"]:
        _check(found, name)
    return found


def metric_card(name: str) -> MetricCard:
    """The card of a registered metric or of FILE.py:CLASS; UserError as for `metric_class`."""
    return metric_class(name).card


def _check(found: object, name: str) -> None:
    where = registry.problem("metric", name)
    if not (isinstance(found, type) and issubclass(found, Metric)):
        raise UserError(f"{where}: it is not a subclass of uqs.metrics.base.Metric")
    card = getattr(found, "card", None)
    if not isinstance(card, MetricCard):
        raise UserError(f"{where}: it declares no `card`, a uqs.records.MetricCard")
    if inspect.isabstract(found):
        missing = ", ".join(sorted(found.__abstractmethods__))
        raise UserError(f"{where}: it does not define {missing}")
    if card.name in registry.BUILT_IN["metric"]:
        raise UserError(f"{where}: its card takes the built-in metric name {card.name!r}")
    if card.symbol in CARDS.built_in() or card.symbol in registry.BUILT_IN["metric"]:
        raise UserError(f"{where}: its card takes the symbol {card.symbol!r} of a built-in metric")
    if not registry.is_file(name) and card.name != name:
        raise UserError(f"{where}: its card says {card.name!r}")


class Cards(Mapping[str, MetricCard]):
    """The cards of all registered metrics by symbol, built-in ones first.

    A class is imported only when its card is needed, in the order of `BUILT_IN`. So the core metrics load
    quickly, and plug-ins are loaded only for a symbol that is not built in. A plug-in that cannot be loaded
    has no card here; `faults` says why.
    """

    def __init__(self) -> None:
        self._guests = _Guests({}, {}, ())

    def __getitem__(self, symbol: str) -> MetricCard:
        for card in self._each():
            if card.symbol == symbol:
                return card
        raise KeyError(symbol)

    def __iter__(self) -> Iterator[str]:
        return (card.symbol for card in self._each())

    def __len__(self) -> int:
        return len(BUILT_IN) + len(self._plug_ins().cards)

    def built_in(self) -> dict[str, MetricCard]:
        """The cards of the built-in metrics only."""
        return {card.symbol: card for card in map(metric_card, BUILT_IN)}

    def faults(self) -> Sequence[str]:
        """Why plug-ins have no card, one line per plug-in."""
        return self._plug_ins().faults

    def _each(self) -> Iterator[MetricCard]:
        yield from map(metric_card, BUILT_IN)
        yield from self._plug_ins().cards.values()

    def _plug_ins(self) -> _Guests:
        names = registry.names("metric")
        if self._guests.names is not names:
            self._guests = _read(names)
        return self._guests


class _Guests(NamedTuple):
    """The names that were registered when plug-ins were loaded, their cards by symbol, and what failed."""

    names: Mapping[str, str]
    cards: Mapping[str, MetricCard]
    faults: Sequence[str]


def _read(names: Mapping[str, str]) -> _Guests:
    cards: dict[str, MetricCard] = {}
    faults: list[str] = []
    for name in names:
        if name in registry.BUILT_IN["metric"]:
            continue
        try:
            card = metric_card(name)
            if card.symbol in cards:
                taken = cards[card.symbol].name
                raise UserError(f"metric {name!r}: {taken!r} has its symbol {card.symbol!r} too")
            cards[card.symbol] = card
        except UserError as error:
            faults.append(str(error))
    return _Guests(names, cards, faults)


CARDS = Cards()


def is_health(symbol: str) -> bool:
    """Whether a metric only checks that a model still works. Such a metric also measures collapsed models."""
    card = CARDS.get(symbol)
    return card is not None and card.group == "health"


def in_order(symbols: Iterable[str]) -> list[str]:
    """Symbols in the display order of the built-in metrics, then the others by name. Loads no plug-in."""
    left = set(symbols)
    found = []
    for name in BUILT_IN:
        if not left:
            break
        symbol = metric_card(name).symbol
        if symbol in left:
            found.append(symbol)
            left.remove(symbol)
    return [*found, *sorted(left)]


def symbol_of(word: str) -> str:
    """The symbol of a registered metric named `word`; any other word unchanged."""
    return metric_card(word).symbol if word in registry.names("metric") else word


def chosen(words: Iterable[str]) -> tuple[str, ...]:
    """The names of metrics given by name, symbol or FILE.py:CLASS, without repeats.

    Raises UserError for an unknown metric, with the nearest name or symbol, and if two metrics share a name
    or symbol.
    """
    names = tuple(dict.fromkeys(_name(word) for word in words))
    refuse_doubles(names)
    return names


def refuse_doubles(names: Iterable[str]) -> None:
    """Raise UserError if two different metrics share a name or symbol."""
    cards = [(name, metric_card(name)) for name in names]
    for at, (name, card) in enumerate(cards):
        for other, earlier in cards[:at]:
            if card.symbol == earlier.symbol or card.name == earlier.name:
                raise UserError(
                    f"{other} and {name} are two metrics with the same name, {card.symbol!r}"
                )


def _name(word: str) -> str:
    if registry.is_file(word) or word in registry.names("metric"):
        return word
    if word in CARDS:
        return CARDS[word].name
    raise UserError(
        f"unknown metric {word!r}; {registry.nearest(word, [*registry.names('metric'), *CARDS])}"
    )
