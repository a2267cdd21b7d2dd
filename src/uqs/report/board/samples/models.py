"""The models of a results table whose single answers the board shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from uqs.records import Role
from uqs.results import Row
from uqs.results.panel import STRENGTH

SHOWN = (Role.ORIGINAL, Role.ORACLE, Role.UNLEARNED)


class Key(NamedTuple):
    """What names a model in results and items."""

    benchmark: str
    edition: str
    model: str
    role: str
    method: str
    strength: str
    seed: int

    @property
    def name(self) -> str:
        """The method, with its strength if it has one."""
        return f"{self.method}{STRENGTH}{self.strength}" if self.strength else self.method


def models(rows: Iterable[Row]) -> dict[Key, Row]:
    """A row of every original, oracle and unlearned model, in the order of their keys."""
    found = {
        Key(*(getattr(row, name) for name in Key._fields)): row for row in rows if row.role in SHOWN
    }
    return {key: found[key] for key in sorted(found)}
