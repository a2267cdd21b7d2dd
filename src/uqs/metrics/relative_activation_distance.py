"""Activation distance to the oracle in units of the distance between oracles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf

import numpy as np

from uqs.metrics.activation_distance import distances
from uqs.metrics.base import Evidence, Metric, MetricResult, References
from uqs.metrics.pairs import LAST_PROMPT, LAYER, SPLIT, Pair, Place, activations, pair
from uqs.metrics.resampled import clustered_ratio
from uqs.records import Measurement, MetricCard, Need, Status
from uqs.traces.trace import Trace


class RelativeActivationDistance(Metric):
    """Activation distance to an oracle, divided by the mean distance of the other oracles to it: 1 is the
    noise floor.

    Both means are over the same samples. The standard error is that of a clustered ratio (Cochran 1977,
    section 6.4 with 11.8). Needs two oracles besides the measured model: `too_few` with one, or if the
    oracles do not differ; `collapsed` if an activation of any of them is not finite. The rows are those of
    the activation distance.
    """

    card = MetricCard(
        name="relative_activation_distance",
        symbol="AD_REL",
        group="distance",
        better="lower",
        bounds=(0, inf),
        split=f"{SPLIT}/{LAST_PROMPT}",
        version=2,
        formerly=(SPLIT,),
        needs=frozenset({Need.ORACLE}),
        source="Golatkar et al. 2020 (arXiv 2003.02960), over the distance between oracles",
        does_not_show=(
            "that the oracle's answers are given: other answers fit within the noise floor of "
            "the activations"
        ),
    )

    def measure(self, model: Evidence, references: References) -> Iterator[MetricResult]:
        oracles = references.oracles
        if not oracles:
            yield self.missing(Status.MISSING_ORACLE)
        for seed in sorted(oracles):
            yield from self._rows(model, oracles, seed)

    def _rows(
        self, model: Evidence, oracles: Mapping[int, Evidence], seed: int
    ) -> Iterator[MetricResult]:
        traces = pair(model, oracles[seed], SPLIT)
        if traces is None or any(LAYER not in trace.prompt_activations for trace in traces):
            yield self.missing(Status.MISSING_TRACE, oracle_seed=seed)
        others = [
            found
            for other, oracle in sorted(oracles.items())
            if other != seed and (found := pair(oracle, oracles[seed], SPLIT)) is not None
        ]
        if traces is None:
            return
        for place in activations(traces, SPLIT):
            yield from place.rows(self._row(traces.model, place, _others(others, place), seed))

    def _row(
        self,
        trace: Trace,
        place: Place,
        floors: list[Place],
        seed: int,
    ) -> MetricResult:
        name = self.card.split
        if not floors:
            return self.missing(Status.TOO_FEW, name, seed)
        ours = distances(place.model, place.oracle)
        floor = np.mean([distances(one.model, one.oracle) for one in floors], axis=0)
        if not np.isfinite([ours, floor]).all():
            return self.missing(Status.COLLAPSED, name, seed)
        if not floor.any():
            return self.missing(Status.TOO_FEW, name, seed)
        found = clustered_ratio(ours, floor, trace.entities)
        return MetricResult(
            Measurement(self.card.symbol, name, found.value, found.se, found.n), oracle_seed=seed
        )


def _others(others: list[Pair], place: Place) -> list[Place]:
    """The activations of each other oracle, paired with this oracle's, at one place."""
    return [
        found
        for traces in others
        for found in activations(traces, SPLIT)
        if found.names == place.names
    ]
