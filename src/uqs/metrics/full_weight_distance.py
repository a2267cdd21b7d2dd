"""Distance of all weights together to the oracle's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from uqs.metrics.base import Evidence, Measured, OracleMetric
from uqs.metrics.cards.distance import W_DIST
from uqs.metrics.oracle_distance import norms
from uqs.records import Measurement, Status


class FullWeightDistance(OracleMetric):
    """||W - W*|| / ||W* - W_base||, Frobenius norms over the weights of all layers together.

    As both start from one base this is ||dW - dW*|| / ||dW*||: 1 for the base itself. Unlike the mean over
    layers a layer counts by how much the oracle changed it. Exact: no standard error; n = layers. `too_few`
    where the oracle is the base, `collapsed` where a weight is no finite number.
    """

    card = W_DIST

    def against(self, model: Evidence, oracle: Evidence, seed: int) -> Iterator[Measured]:
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
        yield Measured(
            Measurement(
                self.card.symbol, self.card.split, float(apart / wanted), None, len(layers)
            ),
            seed,
        )
