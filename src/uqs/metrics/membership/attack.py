"""How an attack and a statistic make a metric.

An attack's `score` says how much each sample looks like training data; a statistic says how well the scores
tell forget from holdout. A metric inherits from one attack and one statistic; its card comes from the
attack's `AttackCards`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from uqs.metrics.base import Evidence, Floats, Metric, MetricResult, PerSample, References
from uqs.metrics.membership import statistics
from uqs.metrics.membership.statistics import Scores, Statistic
from uqs.records import Better, Measurement, MetricCard, Status
from uqs.traces.trace import Trace

MEMBERS, NON_MEMBERS = "forget", "holdout"
FEW = "a few certain ones hardly move an average over pairs"
LOW_FPR = "at 1 % FPR: Carlini et al. 2022 (arXiv 2112.03570)"


@dataclass(frozen=True, kw_only=True)
class AttackCards:
    """The cards of an attack's AUC, advantage and TPR; `score` describes in words what the attack reads."""

    name: str
    symbol: str
    score: str
    source: str
    needs: frozenset[str] = frozenset()
    of_text: bool = False

    def auc(self) -> MetricCard:
        hides = f"that no member stands out by {self.score}: {FEW}"
        return self._card("auc", "AUC", "target", self.source, hides)

    def advantage(self) -> MetricCard:
        hides = f"that no other attack finds the members: this one knows nothing but {self.score}"
        return self._card("advantage", "ADV", "lower", self.source, hides)

    def tpr(self) -> MetricCard:
        """At 1 % false positives."""
        hides = (
            f"that the members are hidden: where {self.score} lies above every non-member's they count as"
            " missed"
        )
        return self._card("tpr", "TPR", "lower", f"{self.source}; {LOW_FPR}", hides)

    def _card(
        self, name: str, symbol: str, better: Better, source: str, does_not_show: str
    ) -> MetricCard:
        return MetricCard(
            name=f"{self.name}_{name}",
            symbol=f"{self.symbol}_{symbol}",
            group="membership",
            better=better,
            bounds=(0, 1),
            split=MEMBERS,
            needs=self.needs,
            of_text=self.of_text,
            source=source,
            does_not_show=does_not_show,
        )


class Membership(Metric):
    """A statistic of scores of the forget set (members) and of holdout (never trained on)."""

    @abstractmethod
    def statistic(self, scores: Scores) -> Statistic | None:
        """None if there are too few entities."""

    def row(
        self, scores: Scores, ids: tuple[str, ...], oracle_seed: int | None = None
    ) -> MetricResult:
        """The metric's row; `ids` are the members' sample ids. `collapsed` if a score is not finite: it must
        not count as a very high loss."""
        if not finite(scores):
            return self.missing(Status.COLLAPSED, oracle_seed=oracle_seed)
        found = self.statistic(scores)
        if found is None:
            return self.missing(Status.TOO_FEW, oracle_seed=oracle_seed)
        n = len(scores.members) + len(scores.non_members)
        kept = found.by_member
        return MetricResult(
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


class SignedAdvantage(Membership):
    def statistic(self, scores: Scores) -> Statistic | None:
        return statistics.signed_advantage(scores)


class TPR(Membership):
    """At 1 % false positives."""

    def statistic(self, scores: Scores) -> Statistic | None:
        return statistics.true_positives(scores)


class Attack(Membership):
    """An attack that reads only the model's own trace of a sample."""

    @abstractmethod
    def score(self, trace: Trace) -> Floats:
        """One score per sample, (n,): the lower, the more the sample looks like training data."""

    def measure(self, model: Evidence, references: References) -> Iterator[MetricResult]:
        if not both(model.traces):
            yield self.missing(Status.MISSING_TRACE)
            return
        forget, holdout = model.traces[MEMBERS], model.traces[NON_MEMBERS]
        if not (forget.finite and holdout.finite):
            yield self.missing(Status.COLLAPSED)
            return
        scores = Scores(self.score(forget), forget.entities, self.score(holdout), holdout.entities)
        yield self.row(scores, forget.ids)


def both(traces: Mapping[str, Trace]) -> bool:
    """Whether members and non-members were traced."""
    return MEMBERS in traces and NON_MEMBERS in traces


def finite(scores: Scores) -> bool:
    """Whether all scores are finite numbers."""
    return bool(np.isfinite(scores.members).all() and np.isfinite(scores.non_members).all())
