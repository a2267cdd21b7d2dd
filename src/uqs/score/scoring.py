"""UQS of a table: each method's score, the ranks that the noise allows, and how far to trust them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from uqs.errors import UserError
from uqs.results.panel import Panel
from uqs.results.tables import long_form, to_panel
from uqs.score import contributions as parts
from uqs.score import cube as cubes
from uqs.score import levels as terms_of
from uqs.score import weights as weightings
from uqs.score.calibration import Calibration, calibration
from uqs.score.cube import Cube
from uqs.score.learned_weights import by_references, held_out
from uqs.score.levels import Levels
from uqs.score.noise import Questions, ScoreNoise, noise
from uqs.score.notes import gates, notes, off_the_ladder
from uqs.score.recovery import recovered, validate_by_recovery
from uqs.score.result import ConstantMetric, MethodScore, PartialRuns, ScoreResult
from uqs.score.stability import Stability, stability
from uqs.score.transforms import Form
from uqs.score.validation import validate
from uqs.score.weights import Weights
from uqs.stats.paired import paired_sets
from uqs.stats.ranksets import RankSets, ranks, tie_groups

__all__ = ["ConstantMetric", "MethodScore", "PartialRuns", "ScoreResult", "score"]
LEVEL = 0.95
DRAWS = 10_000


def score(
    table: Panel | Any,
    weights: str | Path | Mapping[str, float] = "equal",
    *,
    utility: Mapping[str, float] | None = None,
    form: Form | None = None,
    questions: Questions = "these",
    items: pd.DataFrame | None = None,
    long: pd.DataFrame | None = None,
    ladders: Calibration | None = None,
    rng: np.random.Generator | None = None,
    draws: int = DRAWS,
) -> ScoreResult:
    """UQS per method for a Panel or any dataframe that narwhals reads.

    A method's runs are averaged within a benchmark; all benchmarks have equal weight. The published form with
    one weight vector averages the values, then transforms them, as in the study. In the calibrated form, or
    with weights of each benchmark, each benchmark is scored with its own terms and weights, then the scores
    are averaged.

    `weights`: `equal`, `published`, `held-out` or `references` (learned on the other benchmarks), a file or a
    mapping. `utility`: the weights of groups. `form`: by default calibrated if every benchmark has
    references, else published. `questions`: whether the ranks hold for `these` questions or for `other` ones
    of the kind; then `items` are the per-sample values (`contributions.read`). `long` is the checked long
    form of a Panel, which knows its references; `ladders` is its `calibration`, where several scores share
    it. `rng` defaults to a generator with seed 0. Raises UserError if nothing can be ranked.
    """
    if form not in (None, "published", "calibrated"):
        raise UserError(f"unknown form {form!r}; known: published, calibrated")
    if isinstance(table, Panel):
        panel = table
    else:
        long = long_form(table)
        panel = to_panel(long, "dataframe")
    rng = np.random.default_rng(0) if rng is None else rng
    cube = cubes.build(panel)
    if ladders is None:
        ladders = calibration(long) if long is not None else Calibration({})
    form = form or _default(cube, ladders)
    used = terms_of.terms(cube, panel, form, ladders)
    local = terms_of.by_benchmark(cube, used)
    alone = terms_of.by_benchmark(cube, used, gated=False)
    chosen = _weights(weights, cube, local, ladders)
    if utility is not None:
        chosen = weightings.with_utility(chosen, utility)
    together = form == "published" and len(chosen.matrix) == 1
    levels = terms_of.pooled(cube, used) if together else local
    known = parts.contributions(items) if items is not None and questions == "other" else None
    noises = noise(cube, used, levels, chosen.matrix, questions, known)
    overall = levels.overall(chosen.matrix)
    sets = paired_sets(overall, noises.entities, noises.runs, rng, level=LEVEL, draws=draws)
    centre = levels.effective(chosen.matrix).mean(axis=0)
    steadiness = stability(levels, centre, rng, draws)
    return ScoreResult(
        form=form,
        benchmarks=cube.benchmarks,
        metrics=cube.metrics,
        methods=_methods(cube, overall, local.scores(chosen.matrix), noises, sets, steadiness),
        weights=chosen,
        left_out=used.left_out,
        constant=_constant(cube),
        thin=_thin(cube),
        partial=cube.partial,
        unmeasured=cube.unmeasured,
        validation=validate(cube, local, alone, chosen, np.random.default_rng(0)),
        stability=steadiness,
        notes=tuple(notes(panel, cube, used, noises)),
        order=cube.methods,
        questions=questions,
        recovery=validate_by_recovery(
            recovered(panel, cube, long), cube, local, alone, chosen, _published(cube, panel, form)
        ),
        off_ladder=off_the_ladder(cube, used),
        gates=gates(cube, used),
    )


def _default(cube: Cube, ladders: Calibration) -> Form:
    """Calibrated if every benchmark has references: two forms in one score would not be comparable."""
    every = all(ladders.of(benchmark) is not None for benchmark in cube.benchmarks)
    return "calibrated" if every else "published"


def _published(cube: Cube, panel: Panel, form: Form) -> Levels | None:
    """The terms of the published form, if that is not the form itself."""
    if form == "published":
        return None
    return terms_of.by_benchmark(cube, terms_of.terms(cube, panel, "published"))


def _weights(
    weights: str | Path | Mapping[str, float], cube: Cube, levels: Levels, ladders: Calibration
) -> Weights:
    if isinstance(weights, Mapping):
        return weightings.given(weights, cube.metrics, "given weights")
    if weights == "equal":
        return weightings.equal(cube.metrics)
    if weights == "published":
        return weightings.published(cube.metrics)
    if weights == "held-out":
        return held_out(cube, levels.values, np.random.default_rng(0))
    if weights == "references":
        return by_references(cube, ladders)
    path = Path(weights)
    return weightings.given(weightings.read_weights(path), cube.metrics, path.name)


def _methods(
    cube: Cube,
    overall: terms_of.FloatArray,
    local: terms_of.FloatArray,
    noises: ScoreNoise,
    sets: RankSets,
    steadiness: Stability,
) -> tuple[MethodScore, ...]:
    place = ranks(overall)
    groups = tie_groups(overall, sets.above)
    variance = noises.variances
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
