"""Do metrics agree as much in one arm of a table as in another?

An arm is a part of the table: a benchmark, a model, a form in which facts are asked. The methods are the same
in all arms and their effects persist, so they are the units: they are swapped between arms, and drawn, whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from uqs.audit.arm_cells import Arm, PlaceKey, arms_of
from uqs.audit.association import TARGETS
from uqs.audit.design import LEVEL
from uqs.audit.inference import BOOTSTRAP_METHODS, COVERAGE, Interval
from uqs.errors import UserError
from uqs.metrics.catalogue import in_order
from uqs.records import Status
from uqs.results.pivot import Directions
from uqs.stats import arms as paired
from uqs.stats import bootstrap
from uqs.stats.multiple import benjamini_hochberg
from uqs.stats.noise import FloatArray

MOST_DRAWS = 2000
"""Swaps and draws of methods at most; all swaps for up to 10 methods."""


@dataclass(frozen=True)
class ArmAgreement:
    """tau-b of two aligned metrics in one arm, among the methods' means over seeds.

    `tau`: the mean over the `groups_defined` of `groups` places of the arm, a benchmark at one strength each;
    `status` says why there is none. `methods`: the most methods with both values at a place.
    """

    arm: str
    a: str
    b: str
    tau: float | None
    groups_defined: int
    groups: int
    methods: int
    status: Status


@dataclass(frozen=True)
class MeanAgreement:
    """The mean tau of an arm over the `pairs_defined` of `pairs` pairs of metrics that have one."""

    arm: str
    tau: float | None
    pairs_defined: int
    pairs: int


@dataclass(frozen=True)
class ArmDifference:
    """tau of `first` less tau of `second`, for two metrics; for None and None the mean over all pairs.

    Over the methods that both arms have, and the places where both metrics vary in both arms: `places` pairs
    of places (`pairs` pairs of metrics, for the mean). `p`: two-sided, by swapping whole methods between the
    arms, alike at all places; `p_adjusted` by Benjamini and Hochberg over the pairs of metrics of these two
    arms. `interval`: 95%, methods drawn with replacement. `reason`: why there is no difference.
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


@dataclass(frozen=True)
class Arms:
    """A table compared by `by`. `methods` are those of all arms; `min_p` the smallest p of a difference."""

    by: str
    names: tuple[str, ...]
    methods: int
    min_p: float
    mean: tuple[MeanAgreement, ...]
    agreement: tuple[ArmAgreement, ...]
    differences: tuple[ArmDifference, ...]
    notes: tuple[str, ...] = ()

    @property
    def testable(self) -> bool:
        """Whether any difference can be significant."""
        return self.min_p <= LEVEL


def compare_arms(
    long: pd.DataFrame,
    by: str,
    *,
    rng: np.random.Generator,
    resamples: int = MOST_DRAWS,
    directions: Directions | None = None,
    name: str = "table",
) -> Arms:
    """Compare the arms of a checked long form; UserError where it has fewer than two.

    `by` is `benchmark`, `edition`, `model`, or `arm`: the table's column of that name, or the form in which
    facts are asked. Distances to the oracle that are targets of other metrics are left out.
    """
    arms, notes = arms_of(long, by, directions, name)
    if len(arms) < 2:
        named = f" ({arms[0].name})" if arms else ""
        raise UserError(
            f"{name}: --by {by} finds {len(arms)} with unlearned models{named}; two are compared"
        )
    metrics = in_order({metric for arm in arms for metric in arm.metrics} - set(TARGETS))
    if len(metrics) < 2:
        raise UserError(f"{name}: two metrics are needed for an agreement; it has {len(metrics)}")
    shared = sorted(set.intersection(*(set(arm.methods) for arm in arms)))
    draws = min(resamples, MOST_DRAWS)
    pairs = list(combinations(metrics, 2))
    agreement = [one for arm in arms for one in _agreements(arm, metrics)]
    return Arms(
        by,
        tuple(arm.name for arm in arms),
        len(shared),
        min(1.0, 2.0 ** (1 - len(shared))),
        tuple(_mean(arm.name, agreement, len(pairs)) for arm in arms),
        tuple(agreement),
        tuple(
            one
            for first, second in combinations(arms, 2)
            for one in _differences(first, second, metrics, draws, rng)
        ),
        notes,
    )


def _agreements(arm: Arm, metrics: Sequence[str]) -> Iterator[ArmAgreement]:
    cells = {place: arm.table(place, metrics, arm.methods) for place in arm.places}
    taus = {place: paired.taus(table, ~np.isnan(table)) for place, table in cells.items()}
    for i, j in combinations(range(len(metrics)), 2):
        found = [taus[place][i, j] for place in arm.places]
        known = [value for value in found if not np.isnan(value)]
        counts = [int((~np.isnan(table[[i, j]]).any(axis=0)).sum()) for table in cells.values()]
        most = max(counts, default=0)
        undefined = Status.CONSTANT if most > 1 else Status.TOO_FEW
        yield ArmAgreement(
            arm.name,
            metrics[i],
            metrics[j],
            float(np.mean(known)) if known else None,
            len(known),
            len(found),
            most,
            Status.OK if known else undefined,
        )


def _mean(arm: str, agreement: Sequence[ArmAgreement], pairs: int) -> MeanAgreement:
    known = [one.tau for one in agreement if one.arm == arm and one.tau is not None]
    return MeanAgreement(arm, float(np.mean(known)) if known else None, len(known), pairs)


def _differences(
    first: Arm, second: Arm, metrics: Sequence[str], draws: int, rng: np.random.Generator
) -> Iterator[ArmDifference]:
    """The mean over all pairs of metrics, then each pair."""
    methods = sorted(set(first.methods) & set(second.methods))
    places = [
        paired.Places(first.table(one, metrics, methods), second.table(other, metrics, methods))
        for one, other in _matched(first.places, second.places)
    ]
    found = _Compared.of(places, len(metrics), len(methods), draws, rng)
    at = list(combinations(range(len(metrics)), 2))
    adjusted = benjamini_hochberg([found.p(i, j) for i, j in at])
    yield found.mean(first.name, second.name)
    for (i, j), p in zip(at, adjusted, strict=True):
        yield found.pair(first.name, second.name, (i, j), (metrics[i], metrics[j]), p)


def _matched(
    first: Sequence[PlaceKey], second: Sequence[PlaceKey]
) -> list[tuple[PlaceKey, PlaceKey]]:
    """The places of the same name; where arms share none, each of the one with each of the other."""
    same = [(place, place) for place in first if place in second]
    return same or [(one, other) for one in first for other in second]


@dataclass(frozen=True)
class _Compared:
    """All differences of two arms: `swapped` `(arrangements, K, K)` and `drawn` `(draws, K, K)` of their
    means over the places where they are defined, `first` and `second` `(K, K)` the means themselves; NaN where
    undefined. `places` `(K, K)` counts them. `drawn` is None with too few methods."""

    swapped: FloatArray
    drawn: FloatArray | None
    first: FloatArray
    second: FloatArray
    places: FloatArray
    methods: int

    @classmethod
    def of(
        cls,
        places: Sequence[paired.Places],
        size: int,
        methods: int,
        draws: int,
        rng: np.random.Generator,
    ) -> _Compared:
        some = paired.swaps(methods, draws, rng)
        total, (first, second, count) = (
            np.zeros((len(some), size, size)),
            np.zeros((3, size, size)),
        )
        weights = bootstrap.draws(methods, draws, rng) if methods >= BOOTSTRAP_METHODS else None
        sums, counts = (None, None) if weights is None else np.zeros((2, len(weights), size, size))
        for one in places:
            here = [paired.taus(values, one.known) for values in (one.first, one.second)]
            defined = ~np.isnan(here[0] + here[1])
            swapped = paired.swapped_differences(one, some)
            total += np.where(defined, np.nan_to_num(swapped), 0.0)
            first += np.where(defined, here[0], 0.0)
            second += np.where(defined, here[1], 0.0)
            count += defined
            if weights is not None and sums is not None and counts is not None:
                drawn = [
                    paired.drawn_taus(values, one.known, weights)
                    for values in (one.first, one.second)
                ]
                difference = np.where(defined, drawn[0] - drawn[1], np.nan)
                sums += np.nan_to_num(difference)
                counts += ~np.isnan(difference)
        return cls(
            _over(total, count),
            None if sums is None or counts is None else _over(sums, counts),
            _over(first, count),
            _over(second, count),
            count,
            methods,
        )

    def p(self, i: int, j: int) -> float | None:
        return None if not self.places[i, j] else paired.two_sided_p(self.swapped[:, i, j])

    def pair(
        self,
        first: str,
        second: str,
        at: tuple[int, int],
        names: tuple[str, str],
        p_adjusted: float | None,
    ) -> ArmDifference:
        p = self.p(*at)
        known = p is not None
        return ArmDifference(
            first=first,
            second=second,
            a=names[0],
            b=names[1],
            tau_first=float(self.first[at]) if known else None,
            tau_second=float(self.second[at]) if known else None,
            difference=float(self.first[at] - self.second[at]) if known else None,
            methods=self.methods,
            places=int(self.places[at]),
            pairs=1,
            p=p,
            p_adjusted=p_adjusted,
            interval=self._interval([at]),
            reason=None if known else "the two do not both vary at any place that the arms share",
        )

    def mean(self, first: str, second: str) -> ArmDifference:
        size = len(self.places)
        at = [(i, j) for i, j in combinations(range(size), 2) if self.places[i, j]]
        known = bool(at)
        i, j = (np.array(side, dtype=int) for side in zip(*at, strict=True)) if at else ([], [])
        taus = [float(side[i, j].mean()) for side in (self.first, self.second)] if known else []
        return ArmDifference(
            first=first,
            second=second,
            a=None,
            b=None,
            tau_first=taus[0] if known else None,
            tau_second=taus[1] if known else None,
            difference=taus[0] - taus[1] if known else None,
            methods=self.methods,
            places=int(self.places.max()) if known else 0,
            pairs=len(at),
            p=paired.two_sided_p(self.swapped[:, i, j].mean(axis=1)) if known else None,
            p_adjusted=None,
            interval=self._interval(at),
            reason=None if known else "no two metrics vary in both arms",
        )

    def _interval(self, at: Sequence[tuple[int, int]]) -> Interval:
        if self.drawn is None:
            reason = f"{self.methods} methods; a bootstrap over methods needs {BOOTSTRAP_METHODS}"
            return Interval(None, None, reason)
        if not at:
            return Interval(None, None, "no difference")
        i, j = (np.array(side) for side in zip(*at, strict=True))
        drawn = self.drawn[:, i, j]
        drawn = drawn[~np.isnan(drawn).any(axis=1)].mean(axis=1)
        if len(drawn) < COVERAGE * len(self.drawn):
            share = len(drawn) / len(self.drawn)
            return Interval(None, None, f"defined in {share:.0%} of the resamples only")
        low, high = np.quantile(drawn, [0.025, 0.975])
        return Interval(float(low), float(high))


def _over(total: FloatArray, count: FloatArray) -> FloatArray:
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
