"""Which metrics order the methods of a benchmark; uses paired differences over shared repeats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from uqs.results.panel import FloatArray, Panel
from uqs.stats.permutation import IntArray
from uqs.stats.resolution import Resolution, complete_part, resolve

MOST = 0.5
"""A metric orders the methods if it tells at least this share of the pairs apart."""


class OrderFinding(StrEnum):
    """What the table shows about a metric's order of the methods."""

    ORDER = "order"
    """At least MOST of the pairs are told apart."""
    PART = "part"
    """Some pairs are."""
    NOTHING = "unresolved"
    """No pair is."""
    NO_REPEATS = "no_repeats"
    """One value per method: no error is known. Items' standard errors do not count: methods share items."""
    CONSTANT = "constant"
    TOO_FEW = "too_few"
    """Fewer than two methods have a value."""


@dataclass(frozen=True)
class Order:
    """What a metric shows about the order of `methods` on a benchmark, at one strength if there are several.

    A method without strengths appears at every strength. `scale` is `log` for distances to an oracle that are
    all above 0, because their scatter grows with their size. Seeds are `paired` if they are matched by number
    across methods; otherwise they are numbered within each method. `used` of `known` values are in the
    complete part of methods x seeds x oracles; `left_out` names the methods that are not in it. `found` is
    None without an order.
    """

    benchmark: str
    strength: str
    metric: str
    shown: OrderFinding
    scale: str
    methods: tuple[str, ...]
    left_out: tuple[str, ...]
    used: int
    known: int
    paired: bool
    found: Resolution | None

    @property
    def separated(self) -> tuple[tuple[str, str], ...]:
        """The pairs told apart; the method with the larger value comes first."""
        if self.found is None:
            return ()
        pairs = np.argwhere(self.found.above())
        return tuple((self.methods[i], self.methods[j]) for i, j in pairs)


def orders(panel: Panel) -> Iterator[Order]:
    """Every metric on every benchmark where any method has a value, for each strength."""
    for metric in panel.metrics:
        values = panel.by_oracle.get(metric, panel.values[metric][:, None])
        distance = metric in panel.by_oracle and panel.better[metric] == "lower"
        for benchmark, rows in panel.strata.items():
            for strength, at in _strengths(panel, rows):
                if not np.isnan(values[at]).all():
                    yield _order(panel, benchmark, strength, metric, values[at], at, distance)


def _strengths(panel: Panel, rows: IntArray) -> Iterator[tuple[str, IntArray]]:
    """The rows of a benchmark at each strength; rows of methods without strengths are in all."""
    marks = panel.strength[rows]
    for strength in [name for name in panel.strengths if (marks == name).any()] or [""]:
        yield strength, rows[(marks == strength) | (marks == "")]


def _order(
    panel: Panel,
    benchmark: str,
    strength: str,
    metric: str,
    values: FloatArray,
    rows: IntArray,
    distance: bool,
) -> Order:
    """The order shown by `values` `(rows, oracles)`."""
    every = set(map(str, panel.method[rows]))
    valued = ~np.isnan(values).all(axis=1)
    values, rows = values[valued], rows[valued]
    names, method = np.unique(panel.method[rows], return_inverse=True)
    seeds = panel.seed[rows]
    paired = True
    cube, kept = _complete(values, method, seeds)
    if min(cube.shape[:2]) < 2:
        alone, alone_kept = _complete(values, method, _within(method, seeds))
        if min(alone.shape[:2]) > 1:
            cube, kept, paired = alone, alone_kept, False
    log = distance and bool(cube.size) and float(cube.min()) > 0
    shown, found = _shown(np.log(cube) if log else cube)
    methods = tuple(map(str, names[kept]))
    return Order(
        benchmark=benchmark,
        strength=strength,
        metric=metric,
        shown=shown,
        scale="log" if log else "value",
        methods=methods,
        left_out=tuple(sorted(every - set(methods))),
        used=cube.size,
        known=int((~np.isnan(values)).sum()),
        paired=paired,
        found=found,
    )


def _complete(values: FloatArray, method: IntArray, seeds: IntArray) -> tuple[FloatArray, IntArray]:
    """The complete part `(methods, seeds, oracles)`, and which methods are in it."""
    _, seed = np.unique(seeds, return_inverse=True)
    cube = np.full((int(method.max()) + 1, int(seed.max()) + 1, values.shape[1]), np.nan)
    cube[method, seed] = values
    cube = cube[:, :, ~np.isnan(cube).all(axis=(0, 1))]
    kept = complete_part(~np.isnan(cube))
    return cube[np.ix_(*kept)], kept[0].astype(np.int64)


def _within(method: IntArray, seeds: IntArray) -> IntArray:
    """Seed numbers within each method, in ascending seed order."""
    found = np.empty(len(seeds), dtype=np.int64)
    for one in np.unique(method):
        rows = np.flatnonzero(method == one)
        found[rows[np.argsort(seeds[rows], kind="stable")]] = np.arange(len(rows))
    return found


def _shown(cube: FloatArray) -> tuple[OrderFinding, Resolution | None]:
    methods, seeds, oracles = cube.shape
    if methods < 2:
        return OrderFinding.TOO_FEW, None
    if np.ptp(cube) == 0:
        return OrderFinding.CONSTANT, None
    if seeds * oracles < 2:
        return OrderFinding.NO_REPEATS, None
    found = resolve(cube)
    if found is None:
        return OrderFinding.CONSTANT, None
    if found.separated == 0:
        return OrderFinding.NOTHING, found
    return (OrderFinding.ORDER if found.separated >= MOST else OrderFinding.PART), found
