"""How an attack and a statistic make a metric.

An attack says in `score` how much each sample looks like training data; a statistic says how well the scores
tell forget from holdout. A metric inherits from one of each and adds its card.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping

import numpy as np

from uqs.metrics.base import Evidence, Floats, Measured, Metric, PerSample, References
from uqs.metrics.membership import statistics
from uqs.metrics.membership.statistics import Scores, Statistic
from uqs.records import Measurement, Status
from uqs.traces.trace import Trace

MEMBERS, STRANGERS = "forget", "holdout"


class Membership(Metric):
    """A statistic of scores of the forget set (members) and of holdout (never trained on)."""

    @abstractmethod
    def statistic(self, scores: Scores) -> Statistic | None:
        """None where there are too few entities for it."""

    def row(self, scores: Scores, ids: tuple[str, ...], oracle_seed: int | None = None) -> Measured:
        """The metric's row; `ids` are the members' sample ids. `collapsed` where a score is no finite number,
        which must not pass for a very high loss."""
        if not finite(scores):
            return self.missing(Status.COLLAPSED, oracle_seed=oracle_seed)
        found = self.statistic(scores)
        if found is None:
            return self.missing(Status.TOO_FEW, oracle_seed=oracle_seed)
        n = len(scores.members) + len(scores.strangers)
        kept = found.by_member
        return Measured(
            Measurement(self.card.symbol, self.card.split, found.value, found.se, n),
            oracle_seed,
            None if kept is None else PerSample(ids, tuple(scores.member_entities), kept),
        )


class AUC(Membership):
    def statistic(self, scores: Scores) -> Statistic | None:
        return statistics.auc(scores)


class Advantage(Membership):
    def statistic(self, scores: Scores) -> Statistic | None:
        return statistics.advantage(scores)


class TPR(Membership):
    """At 1 % false positives."""

    def statistic(self, scores: Scores) -> Statistic | None:
        return statistics.true_positives(scores)


class Attack(Membership):
    """An attack that reads nothing but the model's own trace of a sample."""

    @abstractmethod
    def score(self, trace: Trace) -> Floats:
        """Of each sample, (n,): the lower, the more it looks like training data."""

    def measure(self, model: Evidence, references: References) -> Iterator[Measured]:
        if not both(model.traces):
            yield self.missing(Status.MISSING_TRACE)
            return
        forget, holdout = model.traces[MEMBERS], model.traces[STRANGERS]
        if not (forget.finite and holdout.finite):
            yield self.missing(Status.COLLAPSED)
            return
        scores = Scores(self.score(forget), forget.entities, self.score(holdout), holdout.entities)
        yield self.row(scores, forget.ids)


def both(traces: Mapping[str, Trace]) -> bool:
    """Whether members and strangers were traced."""
    return MEMBERS in traces and STRANGERS in traces


def finite(scores: Scores) -> bool:
    """Whether all scores are finite numbers."""
    return bool(np.isfinite(scores.members).all() and np.isfinite(scores.strangers).all())
