"""Distance of behaviour to the oracle's away from the forget set."""

from __future__ import annotations

from collections.abc import Iterator

from uqs.metrics.base import Evidence, MetricResult
from uqs.metrics.jensen_shannon import per_sample
from uqs.metrics.pairs import PairMetric, pair
from uqs.records import MetricCard, Need, Status


class FunctionalDistance(PairMetric):
    """Jensen-Shannon divergence to the oracle on the holdout split; neither model was trained on it.

    Further rows cover the neighbours and what the base knew before (`real_world`), if they were traced.
    """

    card = MetricCard(
        name="functional_distance",
        symbol="functional_distance",
        group="distance",
        better="lower",
        bounds=(0, 1),
        split="holdout",
        needs=frozenset({Need.ORACLE}),
        source="Jensen-Shannon divergence to the oracle on the holdout split",
        does_not_show="that the forget set is forgotten: it is asked nothing about it",
    )
    also = ("neighbour", "real_world")

    def against(self, model: Evidence, oracle: Evidence, seed: int) -> Iterator[MetricResult]:
        for split in (self.card.split, *self.also):
            traces = pair(model, oracle, split)
            if traces is not None:
                found = per_sample(*traces)
                yield self.row(split, traces.model, found.values, seed, found.bounds)
            elif split == self.card.split:
                yield self.missing(Status.MISSING_TRACE, oracle_seed=seed)
