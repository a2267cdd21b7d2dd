"""What the registry knows, as tables; read from sources and cards, so that nothing heavy is imported.

Only the card of a method or a metric of somebody else's package needs that package.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table

from uqs import registry
from uqs.errors import UserError
from uqs.methods.cards import CARDS as METHOD_CARDS
from uqs.methods.cards import words
from uqs.methods.cards.look_up import method_card
from uqs.metrics.catalogue import CARDS, CORE, metric_card

KINDS = {f"{kind}s": kind for kind in registry.BUILT_IN}
WIDTH = 150
"""Columns where the output is no terminal."""
WIDE = 130
"""Columns from which on a metric has one column for each fact."""


@dataclass(frozen=True)
class Entry:
    """A registered class: its name, the first paragraph of its docstring, and its `source`."""

    name: str
    summary: str
    source: str


def tables(kinds: str | None) -> Iterator[RenderableType]:
    """One table for `benchmarks`, `models`, `methods`, `metrics` or `probes`, or all of them."""
    if kinds is not None and kinds not in KINDS:
        raise UserError(f"unknown kind {kinds!r}; {registry.nearest(kinds, list(KINDS))}")
    for name in [kinds] if kinds else KINDS:
        yield OWN[name]() if name in OWN else _table(name)


def _empty(*columns: str, title: str) -> Table:
    """A table without rows, whose first column is never broken."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, no_wrap=column == columns[0], overflow="fold")
    return table


def _table(kinds: str) -> Table:
    table = _empty("name", "what", "source", title=kinds)
    for entry in entries(KINDS[kinds]):
        table.add_row(entry.name, entry.summary, entry.source)
    return table


def _methods() -> Table:
    columns = ("name", "loss", "source", "fidelity", "passes a step", "needs")
    table = _empty(*columns, title="methods")
    for name in registry.names("method"):
        try:
            card = method_card(name)
        except UserError as error:
            table.add_row(name, str(error))
            continue
        passes, needs = words.passes(card.passes), words.needs(card)
        table.add_row(name, card.loss, card.source, card.fidelity, passes, needs)
    return table


class _Metrics:
    """In the order of the catalogue; what a metric does is on its page (docs/metrics.md)."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = options.max_width >= WIDE
        columns = ("better", "headline", "needs", "source")
        table = _empty("symbol", "name", *columns, title="metrics")
        if not wide:
            table = _empty("symbol", "name, needs, source", *columns[:2], title="metrics")
        for name in self._names():
            symbol, *cells = _described(name)
            title, better, headline, needs, source = cells
            if wide:
                table.add_row(symbol, *cells)
            else:
                lines = [title, f"needs {needs}" if needs else "", source]
                table.add_row(symbol, "\n".join(filter(None, lines)), better, headline)
        yield table
        yield (
            "better: target is nearer to the oracle's own value. needs: beside traces of the benchmark's own "
            "splits. (core): measured by a study that names no metrics."
        )

    def _names(self) -> list[str]:
        names = [card.name for card in CARDS.values()]
        return [*names, *sorted(set(registry.names("metric")) - set(names))]


def _described(name: str) -> list[str]:
    """Symbol, name, direction, headline split, needs and source; a fault in place of the source."""
    try:
        card = metric_card(name)
    except UserError as error:
        return ["", name, "", "", "", str(error)]
    core = " (core)" if name in CORE else ""
    needs = ", ".join(sorted(card.needs))
    return [card.symbol, name + core, card.better, card.split, needs, card.source]


OWN: Mapping[str, Callable[[], RenderableType]] = {"methods": _methods, "metrics": _Metrics}


def entries(kind: registry.Kind) -> Iterator[Entry]:
    """All registered classes of a kind, by name."""
    sources = _sources(kind)
    for name, place in registry.names(kind).items():
        module, _, class_name = place.partition(":")
        found = _class(module, class_name)
        docstring = (ast.get_docstring(found) or "") if found else ""
        source = sources.get(name) or _constant(found, "source")
        yield Entry(name, " ".join(docstring.partition("\n\n")[0].split()), source)


def _sources(kind: registry.Kind) -> dict[str, str]:
    """The sources on the cards of built-in metrics and methods."""
    match kind:
        case "metric":
            return {card.name: card.source for card in CARDS.values()}
        case "method":
            return {card.name: card.source for card in METHOD_CARDS.values()}
    return {}


def _class(module: str, class_name: str) -> ast.ClassDef | None:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef))
    return next((node for node in classes if node.name == class_name), None)


def _constant(found: ast.ClassDef | None, name: str) -> str:
    """The text assigned to `name` in the body of a class, or an empty one."""
    for node in found.body if found else []:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        if isinstance(value, ast.Constant) and any(
            isinstance(target, ast.Name) and target.id == name for target in targets
        ):
            return str(value.value)
    return ""
