"""Distances to the oracle as a whole: of weights, and of behaviour away from the forget set."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from uqs.metrics.base import Evidence, Measured, OracleMetric
from uqs.metrics.cards import FUNCTIONAL_DISTANCE, ORACLE_DISTANCE
from uqs.metrics.jensen_shannon import per_sample
from uqs.records import Measurement, Status

EPSILON = 1e-12


class OracleDistance(OracleMetric):
    """Mean over layers of ||dW - dW*|| / (||dW*|| + eps), Frobenius norms of effective updates.

    dW is what a checkpoint adds to the base's weight: (alpha/r) BA for LoRA, which raw factors are not (they
    can change while BA stays). It is exact, not an average over a sample: no standard error; n = layers.
    """

    card = ORACLE_DISTANCE

    def against(self, model: Evidence, oracle: Evidence, seed: int) -> Iterator[Measured]:
        if model.update is None or oracle.update is None:
            yield self.missing(Status.MISSING_TRACE, oracle_seed=seed)
            return
        if set(model.update) != set(oracle.update):
            raise ValueError("the checkpoints change different layers")
        ratios = [
            float(np.linalg.norm(model.update[layer] - wanted) / (np.linalg.norm(wanted) + EPSILON))
            for layer, wanted in oracle.update.items()
        ]
        mean = float(np.mean(ratios))
        found = Measurement(self.card.symbol, self.card.split, mean, None, len(ratios))
        yield Measured(found, seed)


class FunctionalDistance(OracleMetric):
    """Jensen-Shannon divergence to the oracle on the holdout split, which neither was trained on."""

    card = FUNCTIONAL_DISTANCE

    def against(self, model: Evidence, oracle: Evidence, seed: int) -> Iterator[Measured]:
        split = self.card.split
        found = per_sample(model.traces[split], oracle.traces[split])
        yield self.mean(
            split, model.traces[split], found.values, oracle_seed=seed, bounds=found.bounds
        )
