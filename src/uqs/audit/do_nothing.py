"""Does a distance to the oracle reward doing nothing? Where is the original, which unlearned nothing?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from uqs.audit.association import TARGETS
from uqs.audit.structure import cell_means
from uqs.results.panel import Panel


@dataclass(frozen=True)
class DoNothing:
    """The original's distance to the oracles beside that of the methods of a benchmark.

    `nearer`: how many of the `methods` (each at each strength, means over seeds and oracles) are nearer to
    the oracles than the original is. `median`: the methods' median distance.
    """

    benchmark: str
    target: str
    original: float
    median: float
    nearer: int
    methods: int

    @property
    def rewarded(self) -> bool:
        """The original is at least as near as half of the methods: the distance cannot judge a metric."""
        return self.original <= self.median


def do_nothing(panel: Panel) -> Iterator[DoNothing]:
    """Every distance to the oracle on every benchmark where the original's is known."""
    for target in TARGETS:
        if target not in panel.values:
            continue
        means = cell_means(panel, panel.values[target])
        for at, benchmark in enumerate(panel.benchmarks):
            originals = panel.originals.get((benchmark, target), np.array([]))
            known = means[at][~np.isnan(means[at])]
            if not len(originals) or not len(known):
                continue
            original = float(originals.mean())
            yield DoNothing(
                benchmark,
                target,
                original,
                float(np.median(known)),
                int((known < original).sum()),
                len(known),
            )
