"""The difference of agreement between two arms, for each pair of metrics and for the mean of all pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from uqs.audit.design import LEVEL
from uqs.audit.inference import BOOTSTRAP_METHODS, COVERAGE, Interval
from uqs.results.panel import FloatArray
from uqs.stats import arms, bootstrap
from uqs.stats.arms import Places
from uqs.stats.multiple import benjamini_hochberg

At = tuple[int, int]


@dataclass(frozen=True)
class ArmDifference:
    """tau of `first` less tau of `second`, for two metrics; for None and None the mean over all pairs.

    Over the methods that both arms have, and the `places` (pairs of places, one of each arm) where both
    metrics vary in both arms; the mean is over `pairs` pairs of metrics. `p`: two-sided, by swapping whole
    methods between the arms, alike at all places; `p_adjusted` by Benjamini and Hochberg over the pairs of
    metrics of these two arms. `interval`: 95%, methods drawn with replacement. `reason`: why there is no
    difference.
    """

    first: str
    second: str
    a: str | None
    b: str | None
    tau_first: float | None
    tau_second: float | None
    difference: float | None
    methods: int
    places: int
    pairs: int
    p: float | None
    p_adjusted: float | None
    interval: Interval
    reason: str | None = None

    @property
    def shown(self) -> bool:
        """Whether the difference is shown at LEVEL; the mean stands for itself, pairs are corrected."""
        p = self.p if self.a is None else self.p_adjusted
        return p is not None and p <= LEVEL


def differences(
    names: tuple[str, str],
    metrics: Sequence[str],
    places: Sequence[Places],
    methods: int,
    draws: int,
    rng: np.random.Generator,
) -> Iterator[ArmDifference]:
    """The mean over all pairs of metrics, then each pair, for two arms by their `names`."""
    found = Compared.of(places, len(metrics), methods, draws, rng)
    at = list(combinations(range(len(metrics)), 2))
    yield found.difference(names, (None, None), [one for one in at if found.places[one]], None)
    adjusted = benjamini_hochberg([found.p([one]) for one in at])
    for (i, j), p in zip(at, adjusted, strict=True):
        yield found.difference(
            names, (metrics[i], metrics[j]), [(i, j)] if found.places[i, j] else [], p
        )


@dataclass(frozen=True)
class Compared:
    """Everything about two arms, for each pair of K metrics, as means over the places where both vary.

    `first` and `second` `(K, K)` are the taus, `swapped` `(arrangements, K, K)` and `drawn` `(draws, K, K)`
    their differences when methods are swapped or drawn; NaN where undefined. `places` `(K, K)` counts the
    places. `drawn` is None with fewer than BOOTSTRAP_METHODS methods.
    """

    first: FloatArray
    second: FloatArray
    swapped: FloatArray
    drawn: FloatArray | None
    places: FloatArray
    methods: int

    @classmethod
    def of(
        cls,
        places: Sequence[Places],
        size: int,
        methods: int,
        draws: int,
        rng: np.random.Generator,
    ) -> Compared:
        some = arms.swaps(methods, draws, rng)
        weights = bootstrap.draws(methods, draws, rng) if methods >= BOOTSTRAP_METHODS else None
        first, second, swapped = (
            _Mean((size, size)),
            _Mean((size, size)),
            _Mean((len(some), size, size)),
        )
        drawn = None if weights is None else _Mean((len(weights), size, size))
        for one in places:
            here = [arms.taus(values, one.known) for values in (one.first, one.second)]
            defined = ~np.isnan(here[0] + here[1])
            first.add(here[0], defined)
            second.add(here[1], defined)
            swapped.add(np.nan_to_num(arms.swapped_differences(one, some)), defined)
            if drawn is not None and weights is not None:
                ends = [arms.drawn_taus(v, one.known, weights) for v in (one.first, one.second)]
                drawn.add(ends[0] - ends[1], defined)
        return cls(
            first.found(),
            second.found(),
            swapped.found(),
            None if drawn is None else drawn.found(),
            first.count,
            methods,
        )

    def p(self, at: Sequence[At]) -> float | None:
        """p of the mean difference over some pairs of metrics; None of none, or where one is undefined."""
        if not at or not all(self.places[one] for one in at):
            return None
        return arms.two_sided_p(_over_pairs(self.swapped, at))

    def difference(
        self,
        names: tuple[str, str],
        metrics: tuple[str | None, str | None],
        at: Sequence[At],
        p_adjusted: float | None,
    ) -> ArmDifference:
        """The mean difference over some pairs of metrics."""
        taus = [float(_over_pairs(one, at)) if at else None for one in (self.first, self.second)]
        first, second = taus
        known = first is not None and second is not None
        return ArmDifference(
            first=names[0],
            second=names[1],
            a=metrics[0],
            b=metrics[1],
            tau_first=first,
            tau_second=second,
            difference=first - second if first is not None and second is not None else None,
            methods=self.methods,
            places=int(max((self.places[one] for one in at), default=0)),
            pairs=len(at),
            p=self.p(at),
            p_adjusted=p_adjusted,
            interval=self.interval(at),
            reason=None if known else "no place that the arms share lets both metrics vary in both",
        )

    def interval(self, at: Sequence[At]) -> Interval:
        """Percentile interval of the mean difference over some pairs of metrics."""
        if self.drawn is None:
            reason = f"{self.methods} methods; a bootstrap over methods needs {BOOTSTRAP_METHODS}"
            return Interval(None, None, reason)
        if not at:
            return Interval(None, None, "no difference is defined")
        drawn = _over_pairs(self.drawn, at)
        drawn = drawn[~np.isnan(drawn)]
        if len(drawn) < COVERAGE * len(self.drawn):
            share = len(drawn) / len(self.drawn)
            return Interval(None, None, f"defined in {share:.0%} of the resamples only")
        low, high = np.quantile(drawn, [0.025, 0.975])
        return Interval(float(low), float(high))


class _Mean:
    """A mean over places of arrays of one shape, each entry over the places where it is defined."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._total = np.zeros(shape)
        self.count = np.zeros(shape)

    def add(self, values: FloatArray, defined: NDArray[np.bool_]) -> None:
        known = defined & ~np.isnan(values)
        self._total += np.where(known, values, 0.0)
        self.count += known

    def found(self) -> FloatArray:
        found = np.full(self._total.shape, np.nan)
        np.divide(self._total, self.count, out=found, where=self.count > 0)
        return found


def _over_pairs(values: FloatArray, at: Sequence[At]) -> FloatArray:
    """The mean of `(..., K, K)` over some entries, `(...)`; NaN where one of them is."""
    i, j = (np.array(side, dtype=np.int64) for side in zip(*at, strict=True))
    return np.asarray(values[..., i, j].mean(axis=-1))
