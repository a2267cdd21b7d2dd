"""A cell: one node of a study's graph, named by the hash of everything its content depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

Kind = Literal["base", "train", "unlearn", "trace", "gates", "measure", "trial"]

# Raise a kind's number when its code changes what it writes: its cells are then made again.
CELL_VERSION: Mapping[Kind, int] = {
    "base": 1,
    "train": 1,
    "unlearn": 2,
    "trace": 3,
    "gates": 2,
    "measure": 3,
    "trial": 1,
}


@dataclass(frozen=True)
class Cell:
    """`params` is JSON-able; `inputs` gives by role the keys of the cells that this one waits for and reads.

    `label` is for people and no part of the key.
    """

    kind: Kind
    label: str
    params: Mapping[str, Any]
    inputs: Mapping[str, str]

    @cached_property
    def key(self) -> str:
        """16 hex digits."""
        identity = {
            "kind": self.kind,
            "params": dict(self.params),
            "inputs": dict(self.inputs),
            "version": CELL_VERSION[self.kind],
        }
        text = json.dumps(identity, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
