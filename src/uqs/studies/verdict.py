"""What a gates job wrote, for those who act on it; imports no metrics."""

from __future__ import annotations

import json
from pathlib import Path

GATES = "gates.json"


def stopping_gates(file: Path) -> tuple[str, ...]:
    """The failed gates because of which nothing is unlearned."""
    return tuple(json.loads(file.read_text(encoding="utf-8"))["stop"])


def dropped_models(file: Path) -> frozenset[str]:
    """Names (`oracle_0`) of the models that failed: nothing is measured against them, nor of them."""
    return frozenset(json.loads(file.read_text(encoding="utf-8"))["dropped"])
