"""What the registry knows, as tables; read from sources and cards, so that nothing heavy is imported.

Only the card of a method or a metric of somebody else's package needs that package.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from uqs import registry
from uqs.benchmarks.cards import card_of as benchmark_card
from uqs.benchmarks.options import known_options as benchmark_options
from uqs.errors import UserError
from uqs.methods.cards import CARDS as METHOD_CARDS
from uqs.methods.cards.look_up import method_card
from uqs.metrics.catalogue import CARDS, CORE, metric_card
from uqs.report.terminal import WIDE, Sheet

KINDS = {f"{kind}s": kind for kind in registry.BUILT_IN}
COLUMN_EACH = 130
"""Width of the console from which on a metric has one column for each fact."""


@dataclass(frozen=True)
class Entry:
    """A registered class: its name, the first paragraph of its docstring, and its `source`."""

    name: str
    summary: str
    source: str


def sheets(kinds: str | None, width: int = WIDE) -> Iterator[Sheet]:
    """One table for `benchmarks`, `models`, `methods`, `metrics` or `probes`, or all of them.

    `width` is that of the console, in columns: where it is narrow the table of metrics has fewer columns.
    """
    if kinds is not None and kinds not in KINDS:
        raise UserError(f"unknown kind {kinds!r}; {registry.nearest(kinds, list(KINDS))}")
    for name in [kinds] if kinds else KINDS:
        match name:
            case "methods":
                yield _methods()
            case "metrics":
                yield _metrics(width)
            case "benchmarks":
                yield _benchmarks()
            case _:
                yield _named(name)


def _named(kinds: str) -> Sheet:
    rows = [(entry.name, entry.summary, entry.source) for entry in entries(KINDS[kinds])]
    return Sheet(kinds, ("name", "what", "source"), rows, left=range(3))


def _benchmarks() -> Sheet:
    """The cards of the benchmarks; a fault in place of what one measures."""
    columns = ("name", "benchmark, release, licence", "measures; splits; known problems")
    rows = []
    for name in registry.names("benchmark"):
        try:
            card = benchmark_card(name)
        except UserError as error:
            rows.append((name, "", str(error)))
            continue
        if card is None:
            rows.append((name, "", "has no card"))
            continue
        about = (
            f"{card.title} ({card.paper})",
            card.release,
            card.revision,
            f"licence: {card.licence}",
        )
        sizes = ", ".join(f"{what} {number}" for what, number in card.sizes.items())
        told = (
            card.measures,
            f"splits: {card.splits}",
            f"options: {', '.join(benchmark_options(name))}",
            f"sizes: {sizes}" if sizes else "",
        )
        problems = (f"problem: {problem}" for problem in card.problems)
        rows.append((name, _lines(*about), _lines(*told, *problems)))
    return Sheet("benchmarks", columns, rows, left=range(3))


def _methods() -> Sheet:
    columns = ("name", "loss", "source", "fidelity", "passes per step", "needs")
    rows: list[tuple[str, ...]] = []
    for name in registry.names("method"):
        try:
            card = method_card(name)
        except UserError as error:
            rows.append((name, str(error)))
            continue
        passes, needs = card.passes.in_words(), card.needs_in_words()
        rows.append((name, card.loss, card.source, card.fidelity, passes, needs))
    return Sheet("methods", columns, rows, left=range(6))


def _metrics(width: int) -> Sheet:
    """In the order of the catalogue; what a metric does is on its page (docs/metrics.md)."""
    names = [card.name for card in CARDS.values()]
    names += sorted(set(registry.names("metric")) - set(names))
    columns: tuple[str, ...] = ("symbol", "name", "better", "headline", "needs", "source")
    rows = [_described(name) for name in names]
    if width < COLUMN_EACH:
        columns = ("symbol", "name, better, headline, needs, source")
        rows = [
            (
                symbol,
                _lines(
                    name,
                    f"better {better}, headline {headline}" if better else "",
                    f"needs {needs}" if needs else "",
                    source,
                ),
            )
            for symbol, name, better, headline, needs, source in rows
        ]
    return Sheet("metrics", columns, rows, _METRICS_NOTE, left=range(len(columns)))


_METRICS_NOTE = (
    "better: target means nearer to the oracle's own value. needs: besides traces of the benchmark's splits. "
    "(core): measured by a study that names no metrics."
)


def _lines(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def _described(name: str) -> tuple[str, ...]:
    """Symbol, name, direction, headline split, needs and source; a fault in place of the source."""
    try:
        card = metric_card(name)
    except UserError as error:
        return ("", name, "", "", "", str(error))
    core = " (core)" if name in CORE else ""
    needs = ", ".join(sorted(card.needs))
    return (card.symbol, name + core, card.better, card.split, needs, card.source)


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
