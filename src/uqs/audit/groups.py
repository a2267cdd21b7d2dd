"""Pairs of metrics on their complete rows, divided into benchmarks, methods and strengths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from uqs.results.panel import FloatArray, Panel
from uqs.stats.permutation import IntArray


class Pair(NamedTuple):
    """The names of two variables."""

    x: str
    y: str


@dataclass(frozen=True)
class Group:
    """Pairs that have both values on the same rows.

    `x` is `(K, rows)` in the order of `names_x`, `y` `(L, rows)` in that of `names_y`; `strata` has the rows
    of each stratum in the order of `labels`. A stratum is a benchmark, or a benchmark at one strength.
    `methods` `(rows,)` numbers whole methods, with all their strengths; `places` `(rows,)` numbers benchmarks
    and strengths.
    """

    pairs: tuple[Pair, ...]
    names_x: tuple[str, ...]
    names_y: tuple[str, ...]
    x: FloatArray
    y: FloatArray
    labels: tuple[str, ...]
    strata: tuple[IntArray, ...]
    methods: IntArray
    places: IntArray

    def at(self, pair: Pair) -> tuple[int, int]:
        """The pair's position in a `(K, L)` array."""
        return self.names_x.index(pair.x), self.names_y.index(pair.y)


def group_pairs(
    panel: Panel,
    x: Mapping[str, FloatArray],
    y: Mapping[str, FloatArray],
    pairs: Sequence[Pair],
    *,
    by_strength: bool = False,
) -> Iterator[Group]:
    """The pairs grouped by the rows on which both are known; a pair without such rows is left out.

    With `by_strength`, a stratum is a benchmark at one strength.
    """
    methods, places = codes(panel.whole_method), place_codes(panel)
    masks: dict[bytes, list[Pair]] = {}
    for pair in pairs:
        known = ~(np.isnan(x[pair.x]) | np.isnan(y[pair.y]))
        masks.setdefault(known.tobytes(), []).append(pair)
    for mask, together in masks.items():
        rows = np.flatnonzero(np.frombuffer(mask, dtype=np.bool_))
        if not len(rows):
            continue
        names_x = tuple(dict.fromkeys(pair.x for pair in together))
        names_y = tuple(dict.fromkeys(pair.y for pair in together))
        labels = panel.benchmark[rows]
        if by_strength:
            labels = np.char.add(np.char.add(labels, " "), panel.strength[rows])
        found, at = np.unique(labels, return_inverse=True)
        yield Group(
            pairs=tuple(together),
            names_x=names_x,
            names_y=names_y,
            x=np.stack([x[name][rows] for name in names_x]),
            y=np.stack([y[name][rows] for name in names_y]),
            labels=tuple(map(str, found)),
            strata=tuple(np.flatnonzero(at == stratum) for stratum in range(len(found))),
            methods=codes(methods[rows]),
            places=codes(places[rows]),
        )


def codes(labels: np.ndarray[tuple[int], np.dtype[np.generic]]) -> IntArray:
    """Numbers from 0 for labels `(n,)`, in their sorted order."""
    return np.asarray(np.unique(labels, return_inverse=True)[1], dtype=np.int64)


def place_codes(panel: Panel) -> IntArray:
    """A number for each benchmark and strength, `(rows,)`."""
    return codes(codes(panel.benchmark) * (len(panel.strengths) + 1) + codes(panel.strength))
