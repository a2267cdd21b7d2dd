"""Jensen-Shannon divergence to the oracle."""

from __future__ import annotations

import numpy as np

from uqs.metrics.base import Evidence, Floats, OracleMetric, same_samples
from uqs.metrics.cards import JS
from uqs.metrics.clustered import clustered_mean
from uqs.records import Measurement
from uqs.traces.trace import Trace


class JensenShannon(OracleMetric):
    """Divergence of the two models' next-token distributions over the same tokens, forget set.

    Taken at every gold answer position over the whole vocabulary, in bits, so within [0, 1]; mean over the
    positions of a question, then over questions. Source: Lin 1991 (IEEE Trans. Inf. Theory 37).
    """

    card = JS

    def against(self, model: Evidence, oracle: Evidence) -> Measurement:
        return on_split(self.card.symbol, self.card.split, model, oracle)


def on_split(symbol: str, split: str, model: Evidence, oracle: Evidence) -> Measurement:
    """Mean divergence between two models on a split, clustered by entity."""
    trace = model.traces[split]
    mean = clustered_mean(per_sample(trace, oracle.traces[split]), trace.entities)
    return Measurement(symbol, split, mean.value, mean.se, mean.n)


def per_sample(model: Trace, oracle: Trace) -> Floats:
    """Mean divergence (bits) over each sample's answer positions, (n,)."""
    same_samples(model, oracle)
    return model.mean_over_answers(
        divergence(model.log_probs.astype(np.float64), oracle.log_probs.astype(np.float64))
    )


def divergence(first: Floats, second: Floats) -> Floats:
    """Jensen-Shannon divergence in bits of rows of natural-log probabilities, (rows, tokens) -> (rows,)."""
    if first.shape != second.shape:
        raise ValueError(f"distributions over {first.shape} and {second.shape} tokens")
    middle = np.logaddexp(first, second) - np.log(2)
    gap = _relative_entropy(first, middle) + _relative_entropy(second, middle)
    return np.asarray(np.clip(gap / (2 * np.log(2)), 0, 1), dtype=np.float64)


def _relative_entropy(first: Floats, second: Floats) -> Floats:
    """Kullback-Leibler divergence in nats, (rows,); a token of probability 0 in `first` adds nothing."""
    ratio = np.where(np.isneginf(first), 0, first - np.where(np.isneginf(second), 0, second))
    return np.asarray(np.sum(np.exp(first) * ratio, axis=1), dtype=np.float64)
