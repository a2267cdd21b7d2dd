"""What is known of two models' next-token distributions over the same tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqs.metrics.base import Floats, same_tokens
from uqs.traces.trace import Trace

BLOCK = 1024
"""Positions that are compared at once."""
ROUNDING = 2.0**-24
"""What a tail may hold that was recorded as 0 (float32)."""
FAR = 1e40
"""A ratio of probabilities beyond which it is as good as infinite."""


@dataclass(frozen=True)
class KnownProbabilities:
    """What is known of one model, by position.

    `shared`: log-probabilities (positions, k) of the tokens that are known of both models, -inf where a
    column is no such token. `alone`: probabilities (positions, k) of the tokens known of this model only,
    else 0. `tail`: probability (positions,) of all tokens not known of it; `cap`: the largest that one of
    them can have.
    """

    shared: Floats
    alone: Floats
    tail: Floats
    cap: Floats

    def rest(self) -> Floats:
        """The probability of all tokens that are not known of both, (positions,)."""
        return np.asarray(self.alone.sum(axis=1) + self.tail, dtype=np.float64)


class PairedLogProbs(NamedTuple):
    """Log-probabilities of both models over the same columns, (positions, columns)."""

    first: Floats
    second: Floats


@dataclass(frozen=True)
class CommonTokens:
    """Both models' distributions as far as they are known; `others` (positions,) counts the tokens that are
    known of neither. `complete`: all is known, and `alone`, `tail`, `cap` and `others` are 0.
    """

    first: KnownProbabilities
    second: KnownProbabilities
    others: Floats
    complete: bool

    def closest(self) -> PairedLogProbs:
        """The two most alike of all pairs of distributions that agree with what is known, tokens known of
        neither as one.

        A token known of one model alone gets from the other what its tail allows, in one ratio to the known
        probability, at most its cap; the tokens known of neither stand in one ratio too, and it is the least
        extreme. Every f-divergence is convex and homogeneous, its slopes depend on the ratio alone, so that
        this pair (the Karush-Kuhn-Tucker point of all of them) has the smallest Jensen-Shannon and
        Kullback-Leibler divergences at once; making one token of many can only lower them (data processing).
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
    # In exact numbers the two lefts stand in the ratio; rounding must not leave one of them alone.
    left = np.minimum(left, other / ratio)
    with np.errstate(divide="ignore"):
        return PairedLogProbs(
            np.column_stack([first.shared, *map(np.log, (first.alone, ours, left))]),
            np.column_stack([second.shared, *map(np.log, (theirs, second.alone, ratio * left))]),
        )


def _filled(known: Floats, cap: Floats, rate: Floats) -> Floats:
    """Probabilities at a rate to the known ones, at most `cap`: (positions, k)."""
    return np.minimum(cap[:, None], rate[:, None] * known)


def _rate(known: Floats, side: KnownProbabilities) -> Floats:
    """The largest rate, (positions,), at which what is filled is no more than the side's tail."""
    return _first_zero(side.tail, -known.sum(axis=1), _over(side.cap[:, None], known), known)


def _ratio(first: KnownProbabilities, second: KnownProbabilities) -> Floats:
    """The ratio, (positions,), of second to first in what is left of the tails when the tokens known of one
    model alone have been filled at that very ratio.
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
    """above / below, `FAR` where either is 0 or the quotient is larger."""
    shape = np.broadcast_shapes(above.shape, below.shape)
    found = np.divide(
        above, below, out=np.full(shape, FAR), where=np.logical_and(above > 0, below * FAR > above)
    )
    return np.asarray(found, dtype=np.float64)


def _first_zero(start: Floats, slope: Floats, at: Floats, change: Floats) -> Floats:
    """Where a function of x > 0 that is linear in pieces first reaches 0, (positions,), `FAR` if nowhere.

    It begins at `start` with `slope`, which changes by `change` at each x of `at`, (positions, events).
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
    """What is known of both models at every answer position, in blocks of positions, in order.

    Where one trace alone keeps whole distributions, as many of its likeliest tokens are read as the other
    keeps. Raises ValueError where samples or vocabularies differ.
    """
    same_tokens(first, second)
    if first.vocabulary != second.vocabulary:
        raise ValueError(f"distributions of split {first.split!r} are not over the same tokens")
    if first.complete != second.complete:
        count = min(trace.top_log_probs.shape[1] for trace in (first, second))
        first, second = (likeliest(t, count) if t.complete else t for t in (first, second))
    for start in range(0, len(first.gold_ids), BLOCK):
        yield common_tokens(first, second, slice(start, start + BLOCK))


def likeliest(trace: Trace, count: int) -> Trace:
    """A trace of whole distributions cut to the `count` likeliest tokens, most likely first."""
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
    """What is known of both models at some answer positions."""
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
    """The probability of all tokens that were not kept, and the largest that one of them can have."""
    smallest = np.exp(log_probs.min(axis=1))
    recorded = trace.tail_masses[at].astype(np.float64)
    tail = np.where(recorded > 0, recorded, ROUNDING)
    tail = np.minimum(tail, smallest * (trace.vocabulary - log_probs.shape[1]))
    return tail, np.minimum(smallest, tail)


def _columns(ids: NDArray[np.int32], others: NDArray[np.int32]) -> NDArray[np.int64]:
    """For each of `ids` (positions, k) its column in `others` (positions, m), -1 where it is not there."""
    order = np.argsort(others, axis=1)
    step = int(max(ids.max(initial=0), others.max(initial=0))) + 1
    base = np.arange(len(ids), dtype=np.int64)[:, None] * step
    keys = (np.take_along_axis(others, order, axis=1) + base).ravel()
    wanted = (ids + base).ravel()
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    found = np.where(keys[places] == wanted, order.ravel()[places], -1)
    return np.asarray(found.reshape(ids.shape), dtype=np.int64)
