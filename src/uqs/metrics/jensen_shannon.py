"""Jensen-Shannon divergence to the oracle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from uqs.metrics.base import Evidence, Floats, Measured, OracleMetric, same_samples
from uqs.metrics.cards import JS
from uqs.metrics.distributions import common_tokens
from uqs.traces.trace import Trace


class Divergences(NamedTuple):
    """Divergences (bits), each exact to within plus or minus `bounds`, (n,)."""

    values: Floats
    bounds: Floats


class JensenShannon(OracleMetric):
    """Divergence of the two models' next-token distributions over the same tokens, forget set.

    Taken at every gold answer position, in bits, so within [0, 1]; mean over the positions of a question,
    then over questions. Where only the likeliest tokens were kept the value is the middle of an interval that
    holds the exact one, and the row gives its half width. Source: Lin 1991 (IEEE Trans. Inf. Theory 37).
    """

    card = JS

    def against(self, model: Evidence, oracle: Evidence, seed: int) -> Iterator[Measured]:
        split = self.card.split
        found = per_sample(model.traces[split], oracle.traces[split])
        yield self.mean(
            split, model.traces[split], found.values, oracle_seed=seed, bounds=found.bounds
        )


def per_sample(model: Trace, oracle: Trace) -> Divergences:
    """Mean divergence (bits) over each sample's answer positions, (n,)."""
    found = at_positions(model, oracle)
    return Divergences(*(model.mean_over_answers(values) for values in found))


def at_positions(model: Trace, oracle: Trace) -> Divergences:
    """Divergence (bits) at every answer position, (positions,)."""
    same_samples(model, oracle)
    tokens = common_tokens(model, oracle)
    low = divergence(*tokens.merged())
    # Were the two rests spread over different tokens, they would add (a + b) / 2 bits instead of what the
    # merged rest adds; merging can only lower a divergence (data processing inequality).
    rests = np.stack([tokens.first_rest, tokens.second_rest], axis=1)
    with np.errstate(divide="ignore"):
        logs = np.log(rests)
    gain = np.clip(rests.mean(axis=1) - _terms(logs[:, :1], logs[:, 1:]).sum(axis=1), 0, None)
    high = np.minimum(low + gain, 1)
    return Divergences((low + high) / 2, (high - low) / 2)


def divergence(first: Floats, second: Floats) -> Floats:
    """Jensen-Shannon divergence in bits of rows of natural-log probabilities, (rows, tokens) -> (rows,)."""
    if first.shape != second.shape:
        raise ValueError(f"distributions over {first.shape} and {second.shape} tokens")
    return np.asarray(np.clip(_terms(first, second).sum(axis=1), 0, 1), dtype=np.float64)


def _terms(first: Floats, second: Floats) -> Floats:
    """What each token adds to the divergence, in bits; a token of probability 0 in one adds its half."""
    middle = np.logaddexp(first, second) - np.log(2)
    both = [
        np.exp(side)
        * (np.where(np.isneginf(side), 0, side) - np.where(np.isneginf(side), 0, middle))
        for side in (first, second)
    ]
    return np.asarray((both[0] + both[1]) / (2 * np.log(2)), dtype=np.float64)
