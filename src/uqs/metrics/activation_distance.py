"""Activation distance to the oracle."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

import numpy as np

from uqs.metrics.base import Evidence, Floats, MetricResult
from uqs.metrics.pairs import LAST_PROMPT, LAYER, SPLIT, PairMetric, activations, pair
from uqs.records import MetricCard, Need, Status
from uqs.traces.trace import FloatArray


class ActivationDistance(PairMetric):
    """L2 distance of hidden states to the oracle's on the forget set, averaged over questions.

    Hidden states come from the last layer but one, averaged over the gold answer tokens. Further rows give
    each recorded layer, and the last prompt token. The unit is that of the activations: compare the value
    with the oracle-to-oracle value, the noise floor. Source: Golatkar et al. 2020 (arXiv 2003.02960); layer:
    arXiv 2605.02206.
    """

    card = MetricCard(
        name="activation_distance",
        symbol="AD",
        group="distance",
        better="lower",
        bounds=(0, inf),
        split=f"{SPLIT}/{LAST_PROMPT}",
        version=2,
        formerly=(SPLIT,),
        needs=frozenset({Need.ORACLE}),
        source="Golatkar et al. 2020 (arXiv 2003.02960)",
        does_not_show=(
            "that the answers are the oracle's: a small distance in a direction that matters "
            "changes them"
        ),
    )

    def against(self, model: Evidence, oracle: Evidence, seed: int) -> Iterator[MetricResult]:
        traces = pair(model, oracle, SPLIT)
        if traces is None or any(LAYER not in trace.prompt_activations for trace in traces):
            yield self.missing(Status.MISSING_TRACE, oracle_seed=seed)
        if traces is None:
            return
        for place in activations(traces, SPLIT):
            values = distances(place.model, place.oracle)
            yield from place.rows(self.row(SPLIT, traces.model, values, seed))


def distances(first: FloatArray, second: FloatArray) -> Floats:
    """L2 distance of each sample's activations, (n, width) -> (n,). Raises ValueError if widths differ."""
    if first.shape != second.shape:
        raise ValueError(
            f"activations have different widths: {first.shape[1]} and {second.shape[1]}"
        )
    with np.errstate(invalid="ignore"):
        gap = first.astype(np.float64) - second
    return np.asarray(np.linalg.norm(gap, axis=1), dtype=np.float64)
