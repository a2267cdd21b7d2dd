"""Distance to the oracle's weights, over all weights together."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

import numpy as np

from uqs.metrics.base import Evidence, MetricResult, OracleMetric
from uqs.metrics.oracle_distance import norms
from uqs.records import Measurement, MetricCard, Need, Status


class FullWeightDistance(OracleMetric):
    """||W - W*|| / ||W* - W_base||, Frobenius norms over the weights of all layers together.

    Both start from the same base, so this equals ||dW - dW*|| / ||dW*||: 1 for the base itself. Unlike in the
    mean over layers, a layer counts by how much the oracle changed it. Exact: no standard error; n = layers.
    `too_few` if the oracle is the base, `collapsed` if a weight is not finite.
    """

    card = MetricCard(
        name="full_weight_distance",
        symbol="W_DIST",
        group="distance",
        better="lower",
        bounds=(0, inf),
        split="weights",
        needs=frozenset({Need.ORACLE, Need.WEIGHTS}),
        source="relative Frobenius distance of all weights; base: what both models start from",
        does_not_show=(
            "that each layer is near the oracle's: a small one may be far off, and count for "
            "nothing"
        ),
    )

    def against(self, model: Evidence, oracle: Evidence, seed: int) -> Iterator[MetricResult]:
        if model.update is None or oracle.update is None:
            yield self.missing(Status.MISSING_TRACE, oracle_seed=seed)
            return
        layers = np.array(list(norms(model.update, oracle.update))).reshape(-1, 2)
        if not np.isfinite(layers).all():
            yield self.missing(Status.COLLAPSED, oracle_seed=seed)
            return
        apart, wanted = np.linalg.norm(layers, axis=0)
        if wanted == 0:
            yield self.missing(Status.TOO_FEW, oracle_seed=seed)
            return
        yield MetricResult(
            Measurement(
                self.card.symbol, self.card.split, float(apart / wanted), None, len(layers)
            ),
            seed,
        )
