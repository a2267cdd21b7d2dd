"""The parts of an audit as typed results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from uqs.audit.arms import Arms
from uqs.audit.association import Association, StratifiedMean
from uqs.audit.compare import Comparison
from uqs.audit.degenerate import DegenerateMetric, MetricNoise
from uqs.audit.design import LEVEL, Design
from uqs.audit.do_nothing import DoNothing
from uqs.audit.inference import Interval
from uqs.audit.level import Level
from uqs.audit.openunlearning import MetaEvaluation
from uqs.audit.order import Order
from uqs.audit.sentinels import Sentinels
from uqs.audit.strength import StrengthEffect
from uqs.audit.structure import Clusters, Concordance, Separation
from uqs.audit.told import Told
from uqs.audit.truth import ModelShare, Profile, ReportCard
from uqs.errors import UserError
from uqs.stats.permutation import PermutationTest


def shown(value: float | None, p: float | None, found: Agreement | Reliability) -> int:
    """The sign of a relation that is shown at LEVEL, after correction, or 0.

    Where methods have several strengths, it is the relation among methods at one strength: strength moves all
    metrics, and so relates them by itself.
    """
    if found.one_strength is not None:
        value, p = found.one_strength.value, found.one_strength_p_adjusted
    if value is None or p is None or p > LEVEL:
        return 0
    return (value > 0) - (value < 0)


@dataclass(frozen=True)
class Agreement:
    """tau-b of two aligned metrics; `test` and `interval` are for the stratified value.

    `one_strength` is the mean over benchmarks and strengths of tau-b among the methods at one strength, with
    its test, its p also corrected for all pairs; None if the table has fewer than two strengths.
    """

    a: str
    b: str
    tau: Association
    test: PermutationTest | None
    p_adjusted: float | None
    interval: Interval
    one_strength: StratifiedMean | None = None
    one_strength_test: PermutationTest | None = None
    one_strength_p_adjusted: float | None = None

    @property
    def shown(self) -> int:
        """1 if the two are shown to be related at LEVEL, -1 if to be opposed, else 0."""
        return shown(self.tau.stratified.value, self.p_adjusted, self)


@dataclass(frozen=True)
class PairwiseAccuracy:
    """Share of pairs of models that are ordered, or tied, as by the target; means over benchmarks.

    `calibrated` uses the tie threshold with the best result, `at_floor` the oracle noise floor, and `soft`
    weighs how surely one method beats another over its seeds. `reason` says why there are no values.
    """

    calibrated: float | None
    at_floor: float | None
    soft: float | None
    reason: str | None = None


@dataclass(frozen=True)
class Reliability:
    """Spearman's rho of a metric with closeness to the oracle, and how far to trust it.

    `test` and `interval` are for the stratified value, `pooled_test` is for the pooled one. `ceiling`: the
    largest rho that the measurement errors allow, mean over benchmarks. `one_strength`: as in Agreement.
    """

    metric: str
    target: str
    rho: Association
    test: PermutationTest | None
    p_adjusted: float | None
    interval: Interval
    pooled_test: PermutationTest | None
    sentinels: Sentinels
    ceiling: float | None
    pairwise: PairwiseAccuracy
    one_strength: StratifiedMean | None = None
    one_strength_test: PermutationTest | None = None
    one_strength_p_adjusted: float | None = None

    @property
    def shown(self) -> int:
        """1 if the two are shown to be related at LEVEL, -1 if to be opposed, else 0."""
        return shown(self.rho.stratified.value, self.p_adjusted, self)


@dataclass(frozen=True)
class Audit:
    """All results of an audit; `to_dataframe` gives any part as a dataframe.

    `in_short`: at most eight sentences, the decisive first; `verdicts`: all of them. `known_shares` and
    `profiles` are by the metrics' headline splits; report cards by all splits. `arms` is None unless the
    table was parted into arms.
    """

    design: Design
    in_short: tuple[str, ...]
    verdicts: tuple[str, ...]
    degenerate: tuple[DegenerateMetric, ...]
    resolution: tuple[Order, ...]
    level: tuple[Level, ...]
    agreement: tuple[Agreement, ...]
    reliability: tuple[Reliability, ...]
    comparisons: tuple[Comparison, ...]
    noise: tuple[MetricNoise, ...]
    clusters: Clusters
    concordance: tuple[Concordance, ...]
    separations: tuple[Separation, ...]
    strengths: tuple[StrengthEffect, ...]
    do_nothing: tuple[DoNothing, ...]
    report_cards: tuple[ReportCard, ...]
    known_shares: tuple[ModelShare, ...]
    profiles: tuple[Profile, ...]
    told: tuple[Told, ...]
    meta_evaluation: tuple[MetaEvaluation, ...]
    arms: Arms | None = None

    def to_dict(self) -> dict[str, Any]:
        """The audit as plain JSON values."""
        from uqs.audit.export import to_dict

        return to_dict(self)

    def to_dataframe(self, part: str = "reliability") -> pd.DataFrame:
        """One part with one row per entry; nested names are joined by dots."""
        found = self.to_dict().get(part)
        if found is None:
            raise UserError(f"an audit has no part {part!r}; parts: {', '.join(self.to_dict())}")
        if part == "arms":
            return pd.json_normalize(found["differences"])
        if part == "verdicts":
            return pd.DataFrame({"verdict": found})
        return pd.json_normalize(found)
