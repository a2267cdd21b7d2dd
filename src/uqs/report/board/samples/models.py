"""The models of a results table whose single answers the board shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from uqs.records import Role
from uqs.results import Row
from uqs.results.pivot import labelled

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


class Model(NamedTuple):
    """A row of a model, and the names of its benchmark and method as in a Panel."""

    row: Row
    benchmark: str
    method: str


def models(rows: Iterable[Row]) -> dict[Key, Model]:
    """Every original, oracle and unlearned model, in the order of their keys."""
    first = {Key(*(getattr(row, name) for name in Key._fields)): row for row in reversed([*rows])}
    keys = sorted(first)
    names = labelled(pd.DataFrame(keys, columns=list(Key._fields)))
    return {
        key: Model(first[key], benchmark, method)
        for key, benchmark, method in zip(
            keys, names["benchmark"].tolist(), names["method"].tolist(), strict=True
        )
        if key.role in SHOWN
    }
