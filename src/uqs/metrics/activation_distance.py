"""Activation distance to the oracle."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from uqs.metrics.base import Evidence, Floats, Measured, OracleMetric, same_samples
from uqs.metrics.cards import AD
from uqs.traces.trace import Trace

LAYER = -2


class ActivationDistance(OracleMetric):
    """L2 distance of hidden states to the oracle's on the forget set, mean over questions.

    Hidden states are averaged over the gold answer tokens of the last but one layer. In units of the
    activations: compare it with the oracle-to-oracle value, the noise floor.
    Source: Golatkar et al. 2020 (arXiv 2003.02960); layer: arXiv 2605.02206.
    """

    card = AD

    def against(self, model: Evidence, oracle: Evidence, seed: int) -> Iterator[Measured]:
        split = self.card.split
        trace = model.traces[split]
        values = per_sample(trace, oracle.traces[split])
        yield self.mean(split, trace, values, oracle_seed=seed)


def per_sample(model: Trace, oracle: Trace, layer: int = LAYER) -> Floats:
    """L2 distance of each sample's pooled activations, (n,)."""
    same_samples(model, oracle)
    gap = model.answer_activations[layer].astype(np.float64) - oracle.answer_activations[layer]
    return np.asarray(np.linalg.norm(gap, axis=1), dtype=np.float64)
