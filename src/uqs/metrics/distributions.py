"""What is known about the next-token distributions of two models over the same tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqs.metrics.base import Floats, same_tokens
from uqs.traces.trace import Trace

BLOCK = 1024
"""Positions compared at once."""
ROUNDING = 2.0**-24
"""The most that a tail recorded as 0 can hold (float32)."""
FAR = 1e40
"""A larger ratio of probabilities counts as infinite."""


@dataclass(frozen=True)
class KnownProbabilities:
    """What is known about one model, by position.

    `shared`: log-probabilities (positions, k) of the tokens known for both models, -inf in other columns.
    `alone`: probabilities (positions, k) of the tokens known for this model only, else 0. `tail`: total
    probability (positions,) of all tokens not known for it; `cap`: the largest that one of them can have.
    """

    shared: Floats
    alone: Floats
    tail: Floats
    cap: Floats

    def rest(self) -> Floats:
        """The total probability of all tokens not known for both models, (positions,)."""
        return np.asarray(self.alone.sum(axis=1) + self.tail, dtype=np.float64)


class PairedLogProbs(NamedTuple):
    """Log-probabilities of both models over the same columns, (positions, columns)."""

    first: Floats
    second: Floats


@dataclass(frozen=True)
class CommonTokens:
    """Both models' distributions as far as they are known; `others` (positions,) counts the tokens known for
    neither. `complete`: everything is known, and `alone`, `tail`, `cap` and `others` are 0.
    """

    first: KnownProbabilities
    second: KnownProbabilities
    others: Floats
    complete: bool

    def closest(self) -> PairedLogProbs:
        """The most similar pair of distributions that agrees with what is known. The tokens known for neither
        model are merged into one.

        For a token known for one model only, the other model's probability comes from its tail: a constant
        ratio to the known probability, at most the cap. The tokens known for neither model have one ratio
        too, the least extreme one. Every f-divergence is convex and homogeneous, and its slopes depend only
        on the ratio. So this pair, the Karush-Kuhn-Tucker point of all f-divergences, has both the smallest
        Jensen-Shannon and the smallest Kullback-Leibler divergence. Merging tokens can only lower them (data
        processing inequality).
        """
        if self.complete:
            return PairedLogProbs(self.first.shared, self.second.shared)
        return _closest(self.first, self.second)


def _closest(first: KnownProbabilities, second: KnownProbabilities) -> PairedLogProbs:
    ratio = np.clip(_ratio(first, second), 1 / FAR, FAR)
    ours = _filled(second.alone, first.cap, np.minimum(1 / ratio, _rate(second.alone, first)))
    theirs = _filled(first.alone, second.cap, np.minimum(ratio, _rate(first.alone, second)))
    left = np.clip(first.tail - ours.sum(axis=1), 0, None)
    other = np.clip(second.tail - theirs.sum(axis=1), 0, None)
    # In exact arithmetic both leftovers have this ratio; rounding must not make only one of them zero.
    left = np.minimum(left, other / ratio)
    with np.errstate(divide="ignore"):
        return PairedLogProbs(
            np.column_stack([first.shared, *map(np.log, (first.alone, ours, left))]),
            np.column_stack([second.shared, *map(np.log, (theirs, second.alone, ratio * left))]),
        )


def _filled(known: Floats, cap: Floats, rate: Floats) -> Floats:
    """The known probabilities times the rate, at most `cap`: (positions, k)."""
    return np.minimum(cap[:, None], rate[:, None] * known)


def _rate(known: Floats, side: KnownProbabilities) -> Floats:
    """The largest rate, (positions,), at which the filled probabilities do not exceed the side's tail."""
    return _first_zero(side.tail, -known.sum(axis=1), _over(side.cap[:, None], known), known)


def _ratio(first: KnownProbabilities, second: KnownProbabilities) -> Floats:
    """The ratio, (positions,), of second to first in what is left of the tails, after the tokens known for
    only one model were filled at this same ratio.
    """
    full = first.cap[:, None] * (second.alone > 0)
    return _first_zero(
        second.tail,
        full.sum(axis=1) - first.tail - first.alone.sum(axis=1),
        np.column_stack(
            [_over(second.cap[:, None], first.alone), _over(second.alone, first.cap[:, None])]
        ),
        np.column_stack([first.alone, -full]),
    )


def _over(above: Floats, below: Floats) -> Floats:
    """above / below; `FAR` if either is 0 or the quotient is larger."""
    shape = np.broadcast_shapes(above.shape, below.shape)
    found = np.divide(
        above, below, out=np.full(shape, FAR), where=np.logical_and(above > 0, below * FAR > above)
    )
    return np.asarray(found, dtype=np.float64)


def _first_zero(start: Floats, slope: Floats, at: Floats, change: Floats) -> Floats:
    """The first zero of a piecewise linear function of x > 0, (positions,); `FAR` if it has none.

    The function begins at `start` with `slope`; the slope changes by `change` at each x of `at`, (positions,
    events).
    """
    order = np.argsort(at, axis=1)
    nothing = np.zeros((len(start), 1))
    begins = np.column_stack([nothing, np.take_along_axis(at, order, axis=1)])
    changes = np.column_stack([nothing, np.take_along_axis(change, order, axis=1)])
    slopes = slope[:, None] + np.cumsum(changes, axis=1)
    steps = np.diff(begins, axis=1, append=FAR)
    ends = start[:, None] + np.cumsum(slopes * steps, axis=1)
    reached = ends <= 0
    piece = np.argmax(reached, axis=1)[:, None]
    values = np.column_stack([start, ends[:, :-1]])
    begin, value, down = (
        np.take_along_axis(one, piece, axis=1)[:, 0] for one in (begins, values, -slopes)
    )
    further = np.divide(value, down, out=np.zeros_like(value), where=down > 0)
    return np.where(reached.any(axis=1), begin + further, FAR)


def blocks(first: Trace, second: Trace) -> Iterator[CommonTokens]:
    """What is known about both models at every answer position, in blocks of positions, in order.

    If only one trace keeps whole distributions, it is cut to as many of its likeliest tokens as the other
    keeps. Raises ValueError if samples or vocabularies differ.
    """
    same_tokens(first, second)
    if first.vocabulary != second.vocabulary:
        raise ValueError(f"distributions of split {first.split!r} cover different tokens")
    if first.complete != second.complete:
        count = min(trace.top_log_probs.shape[1] for trace in (first, second))
        first, second = (likeliest(t, count) if t.complete else t for t in (first, second))
    for start in range(0, len(first.gold_ids), BLOCK):
        yield common_tokens(first, second, slice(start, start + BLOCK))


def likeliest(trace: Trace, count: int) -> Trace:
    """A trace of whole distributions, cut to the `count` likeliest tokens, likeliest first."""
    ids = np.empty((len(trace.gold_ids), count), np.int32)
    tails = np.empty(len(ids), np.float32)
    for start in range(0, len(ids), BLOCK):
        at = slice(start, start + BLOCK)
        ids[at] = np.argsort(-trace.top_log_probs[at], axis=1, kind="stable")[:, :count]
        rest = np.exp(trace.top_log_probs[at].astype(np.float64))
        np.put_along_axis(rest, ids[at].astype(np.int64), 0, axis=1)
        tails[at] = rest.sum(axis=1)
    kept = np.take_along_axis(trace.top_log_probs, ids.astype(np.int64), axis=1)
    return replace(trace, top_ids=ids, top_log_probs=kept, tail_masses=tails)


def common_tokens(first: Trace, second: Trace, at: slice) -> CommonTokens:
    """What is known about both models at some answer positions."""
    one, other = (trace.top_log_probs[at].astype(np.float64) for trace in (first, second))
    nothing = np.zeros(len(one))
    if first.complete:
        none = np.empty((len(one), 0))
        sides = [KnownProbabilities(shared, none, nothing, nothing) for shared in (one, other)]
        return CommonTokens(sides[0], sides[1], nothing, complete=True)
    columns = _columns(first.top_ids[at], second.top_ids[at])
    known: NDArray[np.bool_] = columns >= 0
    matched = np.take_along_axis(other, np.maximum(columns, 0), axis=1)
    rows = np.nonzero(known)[0]
    seen = np.zeros(other.shape, dtype=bool)
    seen[rows, columns[known]] = True
    tails = [_tail(trace, at, log_probs) for trace, log_probs in ((first, one), (second, other))]
    sides = [
        KnownProbabilities(
            np.where(known, shared, -np.inf), np.where(common, 0, np.exp(all_)), *tail
        )
        for shared, all_, common, tail in (
            (one, one, known, tails[0]),
            (matched, other, seen, tails[1]),
        )
    ]
    others = first.vocabulary - one.shape[1] - other.shape[1] + known.sum(axis=1)
    return CommonTokens(sides[0], sides[1], others.astype(np.float64), complete=False)


def _tail(trace: Trace, at: slice, log_probs: Floats) -> tuple[Floats, Floats]:
    """The total probability of all tokens not kept, and the largest that one of them can have."""
    smallest = np.exp(log_probs.min(axis=1))
    recorded = trace.tail_masses[at].astype(np.float64)
    tail = np.where(recorded > 0, recorded, ROUNDING)
    tail = np.minimum(tail, smallest * (trace.vocabulary - log_probs.shape[1]))
    return tail, np.minimum(smallest, tail)


def _columns(ids: NDArray[np.int32], others: NDArray[np.int32]) -> NDArray[np.int64]:
    """The column of each of `ids` (positions, k) in `others` (positions, m), -1 if it is missing there."""
    order = np.argsort(others, axis=1)
    step = int(max(ids.max(initial=0), others.max(initial=0))) + 1
    base = np.arange(len(ids), dtype=np.int64)[:, None] * step
    keys = (np.take_along_axis(others, order, axis=1) + base).ravel()
    wanted = (ids + base).ravel()
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    found = np.where(keys[places] == wanted, order.ravel()[places], -1)
    return np.asarray(found.reshape(ids.shape), dtype=np.int64)
