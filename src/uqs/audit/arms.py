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
from uqs.audit.arm_difference import ArmDifference, differences
from uqs.audit.association import TARGETS
from uqs.audit.design import LEVEL
from uqs.errors import UserError
from uqs.metrics.catalogue import in_order
from uqs.records import Status
from uqs.results.pivot import Directions
from uqs.stats.arms import Places, taus

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
class Arms:
    """A table compared by `by`.

    `methods`: how many are in all arms; `min_p`: the smallest p that a difference can have with these.
    `published`: the comparison of the published study, to stand beside.
    """

    by: str
    names: tuple[str, ...]
    methods: int
    min_p: float
    mean: tuple[MeanAgreement, ...]
    agreement: tuple[ArmAgreement, ...]
    differences: tuple[ArmDifference, ...]
    notes: tuple[str, ...] = ()
    published: Arms | None = None

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
        found = f"one arm, {arms[0].name!r}" if arms else "no arm"
        raise UserError(f"{name}: --by {by} finds {found}; two with unlearned models are compared")
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
    found_at = {place: taus(table, ~np.isnan(table)) for place, table in cells.items()}
    for i, j in combinations(range(len(metrics)), 2):
        found = [found_at[place][i, j] for place in arm.places]
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
    methods = sorted(set(first.methods) & set(second.methods))
    places = [
        Places(first.table(one, metrics, methods), second.table(other, metrics, methods))
        for one, other in _matched(first.places, second.places)
    ]
    return differences((first.name, second.name), metrics, places, len(methods), draws, rng)


def _matched(
    first: Sequence[PlaceKey], second: Sequence[PlaceKey]
) -> list[tuple[PlaceKey, PlaceKey]]:
    """The places of the same name; where arms share none, each of the one with each of the other at the same
    strength, or at any where they share no strength either."""
    every = [(one, other) for one in first for other in second]
    same = [(one, other) for one, other in every if one == other]
    return same or [(a, b) for a, b in every if a.strength == b.strength] or every
