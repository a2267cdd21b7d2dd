"""Activation distance to the oracle."""

from __future__ import annotations

import numpy as np

from uqs.metrics.base import Evidence, Floats, OracleMetric, same_samples
from uqs.metrics.cards import AD
from uqs.metrics.clustered import clustered_mean
from uqs.records import Measurement
from uqs.traces.trace import Trace

LAYER = -2


class ActivationDistance(OracleMetric):
    """L2 distance of hidden states to the oracle's on the forget set, mean over questions.

    Hidden states are averaged over the gold answer tokens of the last but one layer. In units of the
    activations: compare it with the oracle-to-oracle value, the noise floor.
    Source: Golatkar et al. 2020 (arXiv 2003.02960); layer: arXiv 2605.02206.
    """

    card = AD

    def against(self, model: Evidence, oracle: Evidence) -> Measurement:
        split = self.card.split
        trace = model.traces[split]
        mean = clustered_mean(per_sample(trace, oracle.traces[split]), trace.entities)
        return Measurement(self.card.symbol, split, mean.value, mean.se, mean.n)


def per_sample(model: Trace, oracle: Trace, layer: int = LAYER) -> Floats:
    """L2 distance of each sample's pooled activations, (n,)."""
    same_samples(model, oracle)
    gap = model.activations[layer].astype(np.float64) - oracle.activations[layer]
    return np.asarray(np.linalg.norm(gap, axis=1), dtype=np.float64)
