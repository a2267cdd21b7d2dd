"""Jensen-Shannon divergence to the oracle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from uqs.metrics.base import Evidence, Floats, MetricResult
from uqs.metrics.distributions import CommonTokens, blocks
from uqs.metrics.pairs import PairMetric, pair
from uqs.records import MetricCard, Need, Status
from uqs.traces.trace import Trace


class Divergences(NamedTuple):
    """Divergences (bits) and `bounds`, the largest error of each, (n,)."""

    values: Floats
    bounds: Floats


class JensenShannon(PairMetric):
    """Divergence between the next-token distributions of the two models over the same tokens, forget set.

    Measured at every gold answer position, in bits, so within [0, 1]; mean over the positions of a question,
    then over questions. The row `first_token` covers only the first answer position (the last prompt token),
    as in the published procedure of arXiv 2605.02206. If only the likeliest tokens were kept, the value is
    the middle of an interval that contains the exact one, and the row gives its half width.
    Source: Lin 1991 (IEEE Trans. Inf. Theory 37).
    """

    card = MetricCard(
        name="jensen_shannon",
        symbol="JS",
        group="distance",
        better="lower",
        bounds=(0, 1),
        split="forget",
        needs=frozenset({Need.ORACLE}),
        source="Lin 1991; Khan, Laga, Sohel 2026 (arXiv 2605.02206)",
        does_not_show=(
            "that the inside is the oracle's: equal outputs can come from knowledge that is "
            "only suppressed"
        ),
    )

    def against(self, model: Evidence, oracle: Evidence, seed: int) -> Iterator[MetricResult]:
        split = self.card.split
        traces = pair(model, oracle, split)
        if traces is None:
            yield self.missing(Status.MISSING_TRACE, oracle_seed=seed)
            return
        trace = traces.model
        found = at_positions(*traces)
        over = Divergences(*map(trace.mean_over_answers, found))
        yield self.row(split, trace, over.values, seed, over.bounds)
        first = Divergences(*(values[trace.offsets[:-1]] for values in found))
        yield self.row(f"{split}/first_token", trace, first.values, seed, first.bounds)


def per_sample(model: Trace, oracle: Trace) -> Divergences:
    """Mean divergence (bits) over each sample's answer positions, (n,)."""
    return Divergences(*map(model.mean_over_answers, at_positions(model, oracle)))


def at_positions(model: Trace, oracle: Trace) -> Divergences:
    """Divergence (bits) at every answer position, (positions,)."""
    found = [_bounded(tokens) for tokens in blocks(model, oracle)]
    return Divergences(*(np.concatenate(part) for part in zip(*found, strict=True)))


def _bounded(tokens: CommonTokens) -> Divergences:
    low = divergence(*tokens.closest())
    if tokens.complete:
        return Divergences(low, np.zeros(len(low)))
    high = np.clip(_highest(tokens), low, 1)
    return Divergences((low + high) / 2, (high - low) / 2)


def _highest(tokens: CommonTokens) -> Floats:
    """The largest divergence (bits) that what is known allows, (positions,).

    A token with probabilities p and q adds at most (p + q) / 2, reached if one of them is 0. The two tails
    can be kept on separate tokens while there are enough tokens: each fills tail / cap tokens. If these are
    more than `others`, some tokens hold both, which adds less. The terms are convex, so these corners are the
    extremes. Overlap on a token known for one model would cost more, because that token is larger.
    """
    first, second = tokens.first, tokens.second
    shared = _terms(first.shared, second.shared).sum(axis=1)
    with np.errstate(divide="ignore"):
        both = _terms(np.log(first.cap)[:, None], np.log(second.cap)[:, None])[:, 0]
    less = np.clip((first.cap + second.cap) / 2 - both, 0, None)
    needed = [
        np.divide(side.tail, side.cap, out=np.zeros_like(side.tail), where=side.cap > 0)
        for side in (first, second)
    ]
    overlap = np.clip(needed[0] + needed[1] - tokens.others, 0, None)
    apart = (first.rest() + second.rest()) / 2
    return np.asarray(shared + apart - less * overlap, dtype=np.float64)


def divergence(first: Floats, second: Floats) -> Floats:
    """Jensen-Shannon divergence in bits of rows of natural-log probabilities, (rows, tokens) -> (rows,)."""
    if first.shape != second.shape:
        raise ValueError(f"distributions over {first.shape} and {second.shape} tokens")
    return np.asarray(np.clip(_terms(first, second).sum(axis=1), 0, 1), dtype=np.float64)


def _terms(first: Floats, second: Floats) -> Floats:
    """What each token adds to the divergence, in bits. If one probability is 0, it adds half the other."""
    middle = np.logaddexp(first, second) - np.log(2)
    both = [
        np.exp(side)
        * (np.where(np.isneginf(side), 0, side) - np.where(np.isneginf(side), 0, middle))
        for side in (first, second)
    ]
    return np.asarray((both[0] + both[1]) / (2 * np.log(2)), dtype=np.float64)
