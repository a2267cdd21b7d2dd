"""Membership inference: can the forget set be told from data that no model was trained on?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from uqs.metrics.base import Evidence, Floats, Measured, Metric, References
from uqs.metrics.cards import MIA, MIA_AUC
from uqs.metrics.clustered import clustered_mean
from uqs.records import Measurement

FOLDS = 5


class MembershipAdvantage(Metric):
    """2 |BA - 0.5| of a loss attack on forget (members) against holdout (never trained on).

    BA, the balanced accuracy, is measured on entities that the threshold was not fitted on. The attack may
    call either side of the threshold "member", for a method that drives losses above those of strangers
    betrays the forget set too.
    """

    card = MIA

    def measure(self, model: Evidence, references: References) -> Iterator[Measured]:
        forget, holdout = model.traces["forget"], model.traces["holdout"]
        hits = attack_hits(
            forget.gold_losses(), forget.entities, holdout.gold_losses(), holdout.entities
        )
        members = clustered_mean(hits[0], forget.entities)
        strangers = clustered_mean(hits[1], holdout.entities)
        advantage = abs(members.value + strangers.value - 1)
        se = _joint(members.se, strangers.se)
        yield Measured(
            Measurement(self.card.symbol, self.card.split, advantage, se, members.n + strangers.n)
        )


class MembershipAUC(Metric):
    """Probability that a forget question has a lower loss than a holdout question, ties counted half."""

    card = MIA_AUC

    def measure(self, model: Evidence, references: References) -> Iterator[Measured]:
        forget, holdout = model.traces["forget"], model.traces["holdout"]
        members, strangers = forget.gold_losses(), holdout.gold_losses()
        below, above = wins(members, strangers), 1 - wins(strangers, members)
        # The clustered form of DeLong's variance: Obuchowski 1997 (Biometrics 53).
        first = clustered_mean(below, forget.entities)
        second = clustered_mean(above, holdout.entities)
        yield Measured(
            Measurement(
                self.card.symbol,
                self.card.split,
                first.value,
                _joint(first.se, second.se),
                first.n + second.n,
            )
        )


def _joint(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else float(np.hypot(first, second))


def wins(scores: Floats, others: Floats) -> Floats:
    """For each score the share of `others` above it, ties counted half: (n,)."""
    ordered = np.sort(others)
    above = len(others) - np.searchsorted(ordered, scores, side="right")
    not_below = len(others) - np.searchsorted(ordered, scores, side="left")
    return (above + not_below) / (2 * len(others))


def folds(entities: Sequence[str], count: int) -> NDArray[np.int64]:
    """The fold of each sample, (n,): whole entities, dealt out in the order of their names."""
    names, codes = np.unique(np.asarray(entities), return_inverse=True)
    return np.asarray(np.arange(len(names))[codes] % count, dtype=np.int64)


def attack_hits(
    members: Floats,
    member_entities: Sequence[str],
    strangers: Floats,
    stranger_entities: Sequence[str],
) -> tuple[Floats, Floats]:
    """1 where the cross-fitted attack is right, for members and for strangers.

    Raises ValueError where a side has fewer than two entities.
    """
    count = min(FOLDS, len(set(member_entities)), len(set(stranger_entities)))
    if count < 2:
        raise ValueError("a cross-fitted threshold needs two entities on either side")
    member_folds, stranger_folds = folds(member_entities, count), folds(stranger_entities, count)
    hits = np.empty(len(members)), np.empty(len(strangers))
    for fold in range(count):
        rule = fit(members[member_folds != fold], strangers[stranger_folds != fold])
        for out, scores, of, member in (
            (hits[0], members, member_folds, True),
            (hits[1], strangers, stranger_folds, False),
        ):
            out[of == fold] = ((scores[of == fold] <= rule.threshold) == rule.below) == member
    return hits


class Rule:
    """Call a loss a member's if it lies at or below (`below`) or above (not `below`) the threshold."""

    def __init__(self, threshold: float, below: bool) -> None:
        self.threshold, self.below = threshold, below


def fit(members: Floats, strangers: Floats) -> Rule:
    """The rule with the largest |BA - 0.5| on these losses; of equals the lowest threshold."""
    thresholds = np.unique(np.concatenate([members, strangers]))
    caught = np.searchsorted(np.sort(members), thresholds, side="right") / len(members)
    mistaken = np.searchsorted(np.sort(strangers), thresholds, side="right") / len(strangers)
    lead = caught - mistaken
    best = int(np.argmax(np.abs(lead)))
    return Rule(float(thresholds[best]), bool(lead[best] >= 0))
