"""What a score found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from uqs.records import Status
from uqs.score.levels import OmittedMetric
from uqs.score.noise import Questions
from uqs.score.stability import Stability
from uqs.score.transforms import Form
from uqs.score.validation import HeldOutResult
from uqs.score.weights import Weights


@dataclass(frozen=True)
class MethodScore:
    """One method's UQS.

    `se`: from the noise that the intervals contain, None if that of runs is not known; differences of methods
    have smaller errors, because methods share items. Methods with equal `uqs` share the best of their ranks.
    `rank_interval`: from simultaneous 95% rank sets. Methods in one `tie_group` cannot be told apart; each
    group starts from the best remaining method. `first_share`: the share of all weightings under which the
    method is first. `pareto`: whether the method is on the Pareto front.
    """

    method: str
    uqs: float
    se: float | None
    rank: int
    rank_interval: tuple[int, int]
    tie_group: int
    first_share: float
    pareto: bool
    by_benchmark: Mapping[str, float]


@dataclass(frozen=True)
class ConstantMetric:
    """A metric with the same value for every run of a benchmark: it does not affect the ranks."""

    benchmark: str
    metric: str
    value: float


@dataclass(frozen=True)
class PartialRuns:
    """A metric that only some runs of a method have; the mean is over those."""

    benchmark: str
    metric: str
    method: str
    known: int
    runs: int


@dataclass(frozen=True)
class ScoreResult:
    """What `score` found; `methods` are sorted from the highest UQS to the lowest, ties by name.

    `left_out`: metrics not used on a benchmark. `constant`: metrics that say nothing there. `thin`: metrics
    that only some runs have. `partial`: methods without runs on every benchmark (and on how many they have
    runs); they are not ranked. `unmeasured`: benchmarks without any run; they are not scored.
    `questions`: what the intervals claim. `recovery`: how well the score orders methods by what relearning
    and attacks recover, where the table says so. `off_ladder`: by benchmark, method and metric, the side on
    which a value lies beyond all references. `gates`: by benchmark and method, the factors of all terms in
    the form calibrated by references.
    """

    form: Form
    benchmarks: tuple[str, ...]
    metrics: tuple[str, ...]
    methods: tuple[MethodScore, ...]
    weights: Weights
    left_out: tuple[OmittedMetric, ...]
    constant: tuple[ConstantMetric, ...]
    thin: tuple[PartialRuns, ...]
    partial: Mapping[str, int]
    unmeasured: Mapping[str, Status]
    validation: tuple[HeldOutResult, ...] | Status
    stability: Stability
    notes: tuple[str, ...]
    order: tuple[str, ...]
    """The methods in the order of the arrays in `stability`."""
    questions: Questions = "these"
    recovery: tuple[HeldOutResult, ...] = ()
    off_ladder: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    gates: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)

    def to_dataframe(self) -> pd.DataFrame:
        """One row per method, best first; benchmarks as columns `uqs[name]`."""
        return pd.DataFrame(
            [
                {
                    "method": one.method,
                    "uqs": one.uqs,
                    "se": one.se,
                    "rank": one.rank,
                    "rank_low": one.rank_interval[0],
                    "rank_high": one.rank_interval[1],
                    "tie_group": one.tie_group,
                    "first_share": one.first_share,
                    "pareto": one.pareto,
                    **{f"uqs[{name}]": value for name, value in one.by_benchmark.items()},
                }
                for one in self.methods
            ]
        )
