"""What the registry knows, as tables; read from the sources, so that nothing heavy is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from rich.table import Table

from uqs import registry
from uqs.errors import UserError
from uqs.metrics.cards import CARDS

KINDS = {f"{kind}s": kind for kind in registry.BUILT_IN}


@dataclass(frozen=True)
class Entry:
    """A registered class: its name, the first paragraph of its docstring, and its `source`."""

    name: str
    summary: str
    source: str


def tables(kinds: str | None) -> Iterator[Table]:
    """One table for `benchmarks`, `models`, `methods`, `metrics` or `probes`, or all of them."""
    if kinds is not None and kinds not in KINDS:
        raise UserError(f"unknown kind {kinds!r}; {registry.nearest(kinds, list(KINDS))}")
    for name in [kinds] if kinds else KINDS:
        table = Table("name", "what", "source", title=name, title_justify="left")
        for entry in entries(KINDS[name]):
            table.add_row(entry.name, entry.summary, entry.source)
        yield table


def entries(kind: registry.Kind) -> Iterator[Entry]:
    """All registered classes of a kind, by name."""
    cards = {card.name: card for card in CARDS.values()}
    for name, place in registry.names(kind).items():
        module, _, class_name = place.partition(":")
        found = _class(module, class_name)
        docstring = (ast.get_docstring(found) or "") if found else ""
        source = cards[name].source if name in cards else _constant(found, "source")
        yield Entry(name, " ".join(docstring.partition("\n\n")[0].split()), source)


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
