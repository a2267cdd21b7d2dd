"""How much models that were made alike scatter, and whether a ladder may lend its scatter to the oracles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f as fisher
from scipy.stats import norm

FloatArray = NDArray[np.float64]
TOGETHER = 0.2
"""The ladder lends nothing if the oracles scatter more, over all benchmarks, at this level."""
ALONE = 0.1
"""Nor on a benchmark where they do at this level."""
FEWEST = 4
"""A ladder with fewer degrees of freedom shows no difference in scatter, and lends nothing."""
_LEAST = 1e-12


@dataclass(frozen=True)
class Spread:
    """An estimate of the variance between models made alike, with its degrees of freedom (at least 1)."""

    variance: float
    freedom: int


def within_rungs(rungs: Iterable[FloatArray]) -> Spread | None:
    """The pooled variance within rungs, each `(models,)`; None if no rung has two models."""
    several = [rung for rung in rungs if len(rung) > 1]
    if not several:
        return None
    freedom = sum(len(rung) - 1 for rung in several)
    squares = sum(float(((rung - rung.mean()) ** 2).sum()) for rung in several)
    return Spread(squares / freedom, freedom)


def pooled(first: Spread, second: Spread) -> Spread:
    """Both estimates as one, weighted by their degrees of freedom."""
    freedom = first.freedom + second.freedom
    squares = first.variance * first.freedom + second.variance * second.freedom
    return Spread(squares / freedom, freedom)


def may_pool(oracles: Sequence[Spread], ladders: Sequence[Spread]) -> list[bool]:
    """Whether each benchmark's ladder may lend its spread to the oracles there.

    A ladder that scatters less than its oracles would make every model look different. So nothing is lent if
    the oracles scatter more than the ladders, over all benchmarks (Stouffer's sum of F tests, at TOGETHER),
    or on this benchmark (F test, at ALONE). With three oracles such a test sees little: `perf/told.md`.
    """
    large = [ladder.freedom >= FEWEST for ladder in ladders]
    if not any(large):
        return [False] * len(large)
    p = np.array([_wider(own, other) for own, other in zip(oracles, ladders, strict=True)])
    z = norm.isf(p[large])
    together = float(norm.sf(z.sum() / np.sqrt(len(z))))
    return [
        enough and together > TOGETHER and bool(one > ALONE)
        for enough, one in zip(large, p, strict=True)
    ]


def _wider(own: Spread, ladder: Spread) -> float:
    """One-sided p of the F test that the oracles scatter more."""
    if ladder.variance <= 0:
        return _LEAST
    p = fisher.sf(own.variance / ladder.variance, own.freedom, ladder.freedom)
    return float(np.clip(p, _LEAST, 1 - _LEAST))
