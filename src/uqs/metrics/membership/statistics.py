"""Statistics of an attack's scores: AUC, advantage, and members found at few false alarms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqs.metrics.base import Floats
from uqs.metrics.clustered import clustered_mean

FOLDS = 5
DRAWS = 500
"""Number of bootstrap samples."""
SEED = 0
CELLS = 2_000_000
"""Largest number of values that the bootstrap holds at once."""


class Scores(NamedTuple):
    """An attack's scores of members (m,) and of non-members (s,), and the entity of each sample.

    The lower a score, the more the sample looks like training data.
    """

    members: Floats
    member_entities: Sequence[str]
    non_members: Floats
    non_member_entities: Sequence[str]


class Statistic(NamedTuple):
    """A statistic with its standard error; `by_member` (m,) are the values that it averages, if any."""

    value: float
    se: float | None
    by_member: Floats | None = None


def auc(scores: Scores) -> Statistic:
    """Probability that a member has a lower score than a non-member, ties counted half."""
    placed = placements(scores)
    # The clustered form of DeLong's variance: Obuchowski 1997 (Biometrics 53).
    first = clustered_mean(placed.members, scores.member_entities)
    second = clustered_mean(placed.non_members, scores.non_member_entities)
    return Statistic(first.value, joint(first.se, second.se), placed.members)


def advantage(scores: Scores) -> Statistic | None:
    """2 |BA - 0.5|, with BA measured on entities that were not used to fit the threshold.

    Either side of the threshold may be called "member": a method that drives losses above those of
    non_members betrays the forget set too. None if a side has fewer than two entities.

    Where members and non-members do not differ, the mean of this is not 0 but about its standard error (.08
    with 20 entities of 4 questions a side); `signed_advantage` has the mean 0.
    """
    found = signed_advantage(scores)
    if found is None:
        return None
    return Statistic(2 * abs(found.value), None if found.se is None else 2 * found.se)


def signed_advantage(scores: Scores) -> Statistic | None:
    """BA - 0.5 of the same attack, from -0.5 to 0.5.

    0 on average where members and non-members do not differ. Below 0 the rules fitted on some entities are
    wrong on the others, as it happens by chance.
    """
    if min(len(set(scores.member_entities)), len(set(scores.non_member_entities))) < 2:
        return None
    hits = attack_hits(*scores)
    members = clustered_mean(hits[0], scores.member_entities)
    non_members = clustered_mean(hits[1], scores.non_member_entities)
    error = joint(members.se, non_members.se)
    return Statistic(
        (members.value + non_members.value - 1) / 2, None if error is None else error / 2
    )


def true_positives(scores: Scores, percent: int = 1) -> Statistic:
    """The largest share of members that a threshold finds if at most `percent` % of non-members are called
    members.

    Exact, without interpolation: with fewer than 100 non_members, 1 % allows no false alarm at all. The
    standard error is a bootstrap over the entities of both sides, so it covers the choice of the threshold;
    None if a side has fewer than two. If no false alarm is allowed and most members are found, it may still
    be a third too small: no resample contains a lower score than the sample itself.
    """
    allowed = len(scores.non_members) * percent // 100
    too_high = np.partition(scores.non_members, allowed)[allowed]
    hits = (scores.members < too_high).astype(np.float64)
    value = float(hits.mean())
    if min(len(set(scores.member_entities)), len(set(scores.non_member_entities))) < 2:
        return Statistic(value, None, hits)
    # Around the value, not around the bootstrap's mean: a resampled threshold is biased.
    spread = np.concatenate(list(_resampled(scores, percent))) - value
    return Statistic(value, float(np.sqrt(np.mean(spread**2))), hits)


def _resampled(scores: Scores, percent: int) -> Iterator[Floats]:
    """The statistic of `true_positives` on DRAWS bootstrap samples of the entities of both sides, in blocks.
    Source: Davison and Hinkley 1997 (Bootstrap Methods and their Application), section 3.8.
    """
    sides = (
        (scores.members, scores.member_entities),
        (scores.non_members, scores.non_member_entities),
    )
    members, non_members = (_ordered(*side) for side in sides)
    generators = [np.random.default_rng([SEED, side]) for side in (0, 1)]
    block = max(1, CELLS // max(map(len, (scores.members, scores.non_members))))
    for start in range(0, DRAWS, block):
        count = min(block, DRAWS - start)
        ours = members.totals(generators[0], count)
        false = non_members.totals(generators[1], count)
        allowed = false[:, -1] * percent // 100
        # the first non-member that is one false alarm too many
        place = (false <= allowed[:, None]).sum(axis=1) - 1
        found = np.searchsorted(members.scores, non_members.scores[place], side="left")
        yield ours[np.arange(count), found] / ours[:, -1]


class _OrderedScores(NamedTuple):
    """Scores of one side in ascending order, (n,), with the entity number of each."""

    scores: Floats
    entities: NDArray[np.intp]

    def totals(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Cumulative counts of the first 0, 1, ... n scores in `count` entity samples, (count, n + 1)."""
        entities = int(self.entities.max()) + 1
        drawn = rng.multinomial(entities, np.full(entities, 1 / entities), size=count)
        totals = np.zeros((count, len(self.scores) + 1), dtype=np.int64)
        np.cumsum(drawn[:, self.entities], axis=1, out=totals[:, 1:])
        return totals


def _ordered(scores: Floats, entities: Sequence[str]) -> _OrderedScores:
    _, codes = np.unique(np.asarray(entities), return_inverse=True)
    order = np.argsort(scores, kind="stable")
    return _OrderedScores(scores[order], codes[order])


class Placements(NamedTuple):
    """For each member the share of non-members with a higher score, (m,), and for each non-member the share
    of members with a lower score, (s,); ties count half. The mean of either array is the AUC.
    """

    members: Floats
    non_members: Floats


def placements(scores: Scores) -> Placements:
    return Placements(
        wins(scores.members, scores.non_members), 1 - wins(scores.non_members, scores.members)
    )


def joint(first: float | None, second: float | None) -> float | None:
    """Standard error of a sum of independent parts."""
    return None if first is None or second is None else float(np.hypot(first, second))


def wins(scores: Floats, others: Floats) -> Floats:
    """For each score the share of `others` above it, (n,); ties count half."""
    ordered = np.sort(others)
    above = len(others) - np.searchsorted(ordered, scores, side="right")
    not_below = len(others) - np.searchsorted(ordered, scores, side="left")
    return (above + not_below) / (2 * len(others))


def folds(entities: Sequence[str], count: int) -> NDArray[np.int64]:
    """The fold of each sample, (n,): whole entities, assigned in the order of their names."""
    names, codes = np.unique(np.asarray(entities), return_inverse=True)
    return np.asarray(np.arange(len(names))[codes] % count, dtype=np.int64)


def attack_hits(
    members: Floats,
    member_entities: Sequence[str],
    non_members: Floats,
    non_member_entities: Sequence[str],
) -> tuple[Floats, Floats]:
    """1 where the cross-fitted attack is right, for members and for non-members.

    Raises ValueError if a side has fewer than two entities.
    """
    count = min(FOLDS, len(set(member_entities)), len(set(non_member_entities)))
    if count < 2:
        raise ValueError("a cross-fitted threshold needs two entities on either side")
    member_folds, non_member_folds = (
        folds(member_entities, count),
        folds(non_member_entities, count),
    )
    hits = np.empty(len(members)), np.empty(len(non_members))
    for fold in range(count):
        rule = fit(members[member_folds != fold], non_members[non_member_folds != fold])
        for out, scores, of, member in (
            (hits[0], members, member_folds, True),
            (hits[1], non_members, non_member_folds, False),
        ):
            out[of == fold] = ((scores[of == fold] <= rule.threshold) == rule.below) == member
    return hits


class Rule:
    """A score is called a member's if it is at or below (`below`) or above (not `below`) the threshold."""

    def __init__(self, threshold: float, below: bool) -> None:
        self.threshold, self.below = threshold, below


def fit(members: Floats, non_members: Floats) -> Rule:
    """The rule with the largest |BA - 0.5| on these scores; if tied, the lowest threshold."""
    thresholds = np.unique(np.concatenate([members, non_members]))
    caught = np.searchsorted(np.sort(members), thresholds, side="right") / len(members)
    mistaken = np.searchsorted(np.sort(non_members), thresholds, side="right") / len(non_members)
    lead = caught - mistaken
    best = int(np.argmax(np.abs(lead)))
    return Rule(float(thresholds[best]), bool(lead[best] >= 0))
