"""What a gates job wrote, for those who act on it; imports no metrics."""

from __future__ import annotations

import json
from pathlib import Path

from uqs.records import Role

GATES = "gates.json"


def stopping_gates(file: Path) -> tuple[str, ...]:
    """The failed gates because of which nothing is unlearned."""
    return tuple(json.loads(file.read_text(encoding="utf-8"))["stop"])


def dropped_oracles(file: Path) -> frozenset[int]:
    """Seeds of the oracles that nothing is measured against."""
    dropped = json.loads(file.read_text(encoding="utf-8"))["dropped"]
    return frozenset(int(model.removeprefix(f"{Role.ORACLE}_")) for model in dropped)
