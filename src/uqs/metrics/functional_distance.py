"""Distance of behaviour to the oracle's away from the forget set."""

from __future__ import annotations

from collections.abc import Iterator

from uqs.metrics.base import Evidence, Measured
from uqs.metrics.cards import FUNCTIONAL_DISTANCE
from uqs.metrics.jensen_shannon import per_sample
from uqs.metrics.pairs import PairMetric, pair
from uqs.records import Status


class FunctionalDistance(PairMetric):
    """Jensen-Shannon divergence to the oracle on the holdout split, which neither was trained on.

    Further rows are of the neighbours and of what the base knew before (`real_world`), where these were
    traced.
    """

    card = FUNCTIONAL_DISTANCE
    also = ("neighbour", "real_world")

    def against(self, model: Evidence, oracle: Evidence, seed: int) -> Iterator[Measured]:
        for split in (self.card.split, *self.also):
            traces = pair(model, oracle, split)
            if traces is not None:
                found = per_sample(*traces)
                yield self.row(split, traces.model, found.values, seed, found.bounds)
            elif split == self.card.split:
                yield self.missing(Status.MISSING_TRACE, oracle_seed=seed)
