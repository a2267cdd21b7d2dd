"""UQS of a table: each method's score, the ranks that the noise allows, and how far to trust them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from uqs.errors import UserError
from uqs.records import Status
from uqs.results.panel import Panel
from uqs.results.tables import from_dataframe
from uqs.score import cube as cubes
from uqs.score import levels as terms_of
from uqs.score import weights as weightings
from uqs.score.cube import UQS_METRICS, Cube
from uqs.score.levels import Levels, OmittedMetric, ScoreNoise
from uqs.score.stability import Stability, stability
from uqs.score.transforms import Form
from uqs.score.validation import HeldOutResult, validate
from uqs.score.weights import Weights
from uqs.stats.ranksets import RankSets, rank_sets, ranks, tie_groups

LEVEL = 0.95
DRAWS = 10_000


@dataclass(frozen=True)
class MethodScore:
    """One method's UQS.

    `se`: from seed and item noise, None if a cell has a single run. Methods with equal `uqs` share the best
    of their ranks. `rank_interval`: from simultaneous 95% rank sets. Methods in one `tie_group` cannot be
    told apart; each group starts from the best remaining method. `first_share`: the share of all weightings
    under which the method is first. `pareto`: whether the method is on the Pareto front.
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


def score(
    table: Panel | Any,
    weights: str | Path | Mapping[str, float] = "equal",
    *,
    utility: Mapping[str, float] | None = None,
    form: Form = "published",
    rng: np.random.Generator | None = None,
    draws: int = DRAWS,
) -> ScoreResult:
    """UQS per method for a Panel or any dataframe that narwhals reads.

    A method's runs are averaged within a benchmark; all benchmarks have equal weight. The published form with
    one weight vector averages the values, then transforms them, as in the study. In the calibrated form, or
    with held-out weights, each benchmark is scored with its own terms and weights, then the scores are
    averaged.

    `weights`: `equal`, `published`, `held-out` (learned on the other benchmarks), a file or a mapping.
    `utility`: the weights of groups. `rng` defaults to a generator with seed 0. Raises UserError if nothing
    can be ranked.
    """
    if form not in ("published", "calibrated"):
        raise UserError(f"unknown form {form!r}; known: published, calibrated")
    panel = table if isinstance(table, Panel) else from_dataframe(table)
    rng = np.random.default_rng(0) if rng is None else rng
    cube = cubes.build(panel)
    used = terms_of.terms(cube, panel, form)
    local = terms_of.by_benchmark(cube, used)
    chosen = _weights(weights, cube, local)
    if utility is not None:
        chosen = weightings.with_utility(chosen, utility)
    together = form == "published" and len(chosen.matrix) == 1
    levels = terms_of.pooled(cube, used) if together else local
    noise = terms_of.noise(cube, used, levels, chosen.matrix)
    overall = levels.overall(chosen.matrix)
    sets = rank_sets(overall, noise.variances, noise.freedom, rng, level=LEVEL, draws=draws)
    centre = levels.effective(chosen.matrix).mean(axis=0)
    steadiness = stability(levels, centre, rng, draws)
    return ScoreResult(
        form=form,
        benchmarks=cube.benchmarks,
        metrics=cube.metrics,
        methods=_methods(cube, overall, local.scores(chosen.matrix), noise, sets, steadiness),
        weights=chosen,
        left_out=used.left_out,
        constant=_constant(cube),
        thin=_thin(cube),
        partial=cube.partial,
        unmeasured=cube.unmeasured,
        validation=validate(cube, local, chosen),
        stability=steadiness,
        notes=(*_of_table(panel), *_notes(cube, noise)),
        order=cube.methods,
    )


def _weights(weights: str | Path | Mapping[str, float], cube: Cube, levels: Levels) -> Weights:
    if isinstance(weights, Mapping):
        return weightings.given(weights, cube.metrics, "given weights")
    if weights == "equal":
        return weightings.equal(cube.metrics)
    if weights == "published":
        return weightings.published(cube.metrics)
    if weights == "held-out":
        return weightings.held_out(cube, levels.values)
    path = Path(weights)
    return weightings.given(weightings.read_weights(path), cube.metrics, path.name)


def _methods(
    cube: Cube,
    overall: terms_of.FloatArray,
    local: terms_of.FloatArray,
    noise: ScoreNoise,
    sets: RankSets,
    steadiness: Stability,
) -> tuple[MethodScore, ...]:
    place = ranks(overall)
    groups = tie_groups(overall, sets.above)
    variance = noise.variances.sum(axis=1)
    found = [
        MethodScore(
            method=method,
            uqs=float(overall[m]),
            se=float(np.sqrt(variance[m])) if np.isfinite(variance[m]) else None,
            rank=int(place[m]),
            rank_interval=(int(sets.low[m]), int(sets.high[m])),
            tie_group=int(groups[m]),
            first_share=float(steadiness.smaa.first[m]),
            pareto=bool(steadiness.pareto[m]),
            by_benchmark=dict(zip(cube.benchmarks, local[:, m].tolist(), strict=True)),
        )
        for m, method in enumerate(cube.methods)
    ]
    return tuple(sorted(found, key=lambda one: (one.rank, one.method)))


def _constant(cube: Cube) -> tuple[ConstantMetric, ...]:
    means = cube.means
    return tuple(
        ConstantMetric(cube.benchmarks[b], cube.metrics[k], float(means[b, 0, k]))
        for b, k in np.argwhere(cube.constant)
    )


def _thin(cube: Cube) -> tuple[PartialRuns, ...]:
    known, runs = (~np.isnan(cube.values)).sum(axis=2), cube.runs
    return tuple(
        PartialRuns(
            cube.benchmarks[b],
            cube.metrics[k],
            cube.methods[m],
            int(known[b, m, k]),
            int(runs[b, m]),
        )
        for b, m, k in np.argwhere((known > 0) & (known < runs[:, :, None]))
    )


def _of_table(panel: Panel) -> Iterator[str]:
    """How the table was read, and which UQS metrics it has only as bounds."""
    yield from panel.notes
    for metric in UQS_METRICS:
        bounds = Status.LOWER_BOUND in panel.statuses.get(metric, ())
        if bounds and np.isnan(panel.values[metric]).all():
            yield f"{metric} is left out: it is known only as bounds, which are not ranked."


def _notes(cube: Cube, noise: ScoreNoise) -> tuple[str, ...]:
    """What the intervals are based on, in plain words."""
    low, high = int(cube.runs.min()), int(cube.runs.max())
    runs = f"{low}" if low == high else f"{low} to {high}"
    noun = "run" if high == 1 else "runs"
    notes = [
        f"Rank intervals measure the spread between {runs} {noun} a cell within each benchmark"
        + (
            " and the noise of the items."
            if noise.items_known
            else "; item noise is not in the table."
        )
        + " Benchmarks are taken as fixed. Noise that runs share, such as one oracle or one"
        " original model, cannot be seen in a table and is not in them."
    ]
    if noise.single_runs:
        notes.append(
            "A method with a single run in a cell has no measured noise: it cannot be told apart from"
            " any other."
        )
    return tuple(notes)
