"""The arms of a table: the mean of each method at each place, for every metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from statistics import fmean
from typing import NamedTuple

import numpy as np
import pandas as pd

from uqs.audit.direction import aligned
from uqs.errors import UserError, nearest
from uqs.forms import ASKED
from uqs.records import Role
from uqs.results.panel import FloatArray
from uqs.results.pivot import Directions, to_panel
from uqs.text import count

BY = ("arm", "benchmark", "edition", "model")
"""The columns by which a table can be parted into arms."""


class PlaceKey(NamedTuple):
    """Where methods are compared within an arm: a benchmark, without what the arm says, at one strength."""

    benchmark: str
    strength: str


@dataclass(frozen=True)
class Arm:
    """`cells[place][metric]`: the aligned mean over seeds by whole method; a missing key means no value."""

    name: str
    cells: Mapping[PlaceKey, Mapping[str, Mapping[str, float]]]

    @property
    def places(self) -> tuple[PlaceKey, ...]:
        return tuple(self.cells)

    @property
    def metrics(self) -> frozenset[str]:
        return frozenset(metric for cells in self.cells.values() for metric in cells)

    @property
    def methods(self) -> tuple[str, ...]:
        found = {m for cells in self.cells.values() for by in cells.values() for m in by}
        return tuple(sorted(found))

    def table(self, place: PlaceKey, metrics: Sequence[str], methods: Sequence[str]) -> FloatArray:
        """`(metrics, methods)`, NaN without a value."""
        cells = self.cells[place]
        return np.array(
            [[cells.get(m, {}).get(one, np.nan) for one in methods] for m in metrics],
            dtype=np.float64,
        ).reshape(len(metrics), len(methods))


def arms_of(
    long: pd.DataFrame, by: str, directions: Directions | None, name: str
) -> tuple[list[Arm], tuple[str, ...]]:
    """The arms of a checked long form that have unlearned models, by name, and what was left out."""
    if by not in BY:
        raise UserError(f"--by {by}: {nearest(by, BY)}")
    parts, rest = _parts(long, by)
    unlearned = rest["role"] == Role.UNLEARNED
    notes = []
    if unlearned.any():
        notes.append(f"{count(int(unlearned.sum()), 'value')} without an {by} left out.")
    found = [
        _arm(word, part, directions, name)
        for word, part in sorted(parts.items())
        if (part["role"] == Role.UNLEARNED).any()
    ]
    return found, tuple(notes)


def _parts(long: pd.DataFrame, by: str) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """The rows of each arm, without what names the arm in their other columns, and the rows without one."""
    attrs = dict(long.attrs)
    if by == "arm" and not (long["arm"] != "").any():
        parted = [edition.partition(ASKED) for edition in long["edition"].tolist()]
        long = long.assign(edition=[p[0] for p in parted], arm=[p[2] for p in parted])
    words = long[by]
    blank = {by: ""} if by != "benchmark" else {}
    parts = {str(word): long[words == word].assign(**blank) for word in words.unique() if word}
    if by == "benchmark":
        parts = {word: part.assign(benchmark="all") for word, part in parts.items()}
    for part in parts.values():
        part.attrs = attrs
    return parts, long[words == ""]


def _arm(word: str, long: pd.DataFrame, directions: Directions | None, name: str) -> Arm:
    panel = to_panel(long, f"{name}, {word}", directions).ordered()
    methods = panel.whole_method.tolist()
    places = [
        PlaceKey(*one)
        for one in zip(panel.benchmark.tolist(), panel.strength.tolist(), strict=True)
    ]
    runs: dict[PlaceKey, dict[str, dict[str, list[float]]]] = {}
    for metric in panel.metrics:
        values = aligned(panel, metric).values.tolist()
        for place, method, value in zip(places, methods, values, strict=True):
            if not isnan(value):
                by_method = runs.setdefault(place, {}).setdefault(metric, {})
                by_method.setdefault(method, []).append(value)
    cells = {
        place: {
            metric: {method: fmean(found) for method, found in by_method.items()}
            for metric, by_method in by_metric.items()
        }
        for place, by_metric in sorted(runs.items())
    }
    return Arm(word, cells)
