"""How near methods are to retraining: their distance to the oracles relative to that between oracles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from uqs.audit.structure import cell_means
from uqs.results.panel import Panel
from uqs.stats.noise import noise_floor


@dataclass(frozen=True)
class Level:
    """Distances of the methods of a benchmark to the oracles, as multiples of the noise `floor`.

    The floor is the mean distance over `pairs` of oracles. `farther` of the `methods` (each at each of its
    strengths, mean over seeds and oracles) have a distance above it; `nearest`, `median` and `farthest` are
    multiples of it, None if it is 0. A level says how near to retraining a method is, not whether two methods
    differ.
    """

    benchmark: str
    metric: str
    floor: float
    pairs: int
    methods: int
    farther: int
    nearest: float | None
    median: float | None
    farthest: float | None


def levels(panel: Panel) -> Iterator[Level]:
    """Every metric that is a distance to an oracle, on every benchmark with at least two oracles."""
    for metric in panel.metrics:
        if panel.better[metric] != "lower":
            continue
        means = cell_means(panel, panel.values[metric])
        for at, benchmark in enumerate(panel.benchmarks):
            pairs = panel.floors.get((benchmark, metric), np.array([]))
            floor = noise_floor(pairs)
            known = means[at][~np.isnan(means[at])]
            if floor is None or not len(known):
                continue
            ratio = known / floor if floor > 0 else None
            yield Level(
                benchmark=benchmark,
                metric=metric,
                floor=floor,
                pairs=len(pairs),
                methods=len(known),
                farther=int((known > floor).sum()),
                nearest=float(ratio.min()) if ratio is not None else None,
                median=float(np.median(ratio)) if ratio is not None else None,
                farthest=float(ratio.max()) if ratio is not None else None,
            )
