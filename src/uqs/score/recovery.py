"""Does the score order methods by what can be got back from them? That is what it is for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uqs.records import VALUED, Role, Status
from uqs.results.panel import Panel
from uqs.results.pivot import labelled
from uqs.score.cube import Cube
from uqs.score.learned_weights import FEWEST, reliabilities
from uqs.score.levels import Levels
from uqs.score.validation import HeldOutResult, Kind, best_metric, within
from uqs.score.weights import Weights

FloatArray = NDArray[np.float64]
TARGETS = {"relearning": ("RELEARN",), "strongest attack": ("KR", "KR_IMP")}
"""Metrics of what comes back: by training again, and by asking in other ways (the larger of the two)."""
ABOVE = "forget/above_oracle"
"""What comes back beyond what an oracle guesses; preferred to the headline split."""


def recovered(
    panel: Panel, cube: Cube, long: pd.DataFrame | None = None
) -> Mapping[str, FloatArray]:
    """`(B, M)` by target: what comes back from each method, the mean over runs; a target without values is
    left out. With the checked `long` form, above the oracle where the table says so."""
    found = {}
    for target, metrics in TARGETS.items():
        values = [_of_metric(panel, cube, name, long) for name in metrics]
        known = [one for one in values if not np.isnan(one).all()]
        if known:
            # without a value of one attack it is not known which is the strongest
            found[target] = np.max(np.stack(known), axis=0)
    return found


def _of_metric(panel: Panel, cube: Cube, metric: str, long: pd.DataFrame | None) -> FloatArray:
    means = _above(long, metric) if long is not None else None
    if means is None:
        if metric not in panel.values:
            return np.full(cube.distance.shape, np.nan)
        frame = pd.DataFrame(
            {"benchmark": panel.benchmark, "method": panel.method, "value": panel.values[metric]}
        )
        means = frame.dropna().groupby(["benchmark", "method"])["value"].mean()
    table = means.unstack("method").reindex(index=cube.benchmarks, columns=cube.methods)
    return table.to_numpy(dtype=np.float64)


def _above(long: pd.DataFrame, metric: str) -> pd.Series[float] | None:
    own = long[(long["metric"] == metric) & (long["split"] == ABOVE)]
    own = own[own["status"].isin(list(VALUED - {Status.LOWER_BOUND}))]
    own = own[(own["role"] == Role.UNLEARNED) & own["stage"].isin(["", "before"])]
    if own.empty:
        return None
    return labelled(own.copy()).groupby(["benchmark", "method"])["value"].mean()


def validate_by_recovery(
    targets: Mapping[str, FloatArray],
    cube: Cube,
    levels: Levels,
    alone: Levels,
    chosen: Weights,
    published: Levels | None = None,
) -> tuple[HeldOutResult, ...]:
    """Per target and predictor: the rank correlation of the score with how little comes back, over methods
    within a benchmark.

    Weights learned from data are those learned without the benchmark, and the best single metric is that of
    the other benchmarks. `alone` has the terms of single metrics, without gates; `published` the terms of the
    published form, where `levels` have another one.
    """
    return tuple(
        one
        for name, target in targets.items()
        if len(cube.methods) >= FEWEST
        for one in _race(name, target, cube, levels, alone, chosen, published)
    )


def _race(
    name: str,
    target: FloatArray,
    cube: Cube,
    levels: Levels,
    alone: Levels,
    chosen: Weights,
    published: Levels | None,
) -> Iterator[HeldOutResult]:
    def held(
        predictor: str, kind: Kind, values: FloatArray, *, learned: bool = False
    ) -> HeldOutResult:
        found = within(np.round(values, 12), -np.round(target, 12))
        return HeldOutResult("benchmark", predictor, kind, found, None, learned, name)

    learned = len(chosen.matrix) > 1
    yield held(f"weights: {chosen.source}", "uqs", levels.scores(chosen.matrix), learned=learned)
    if chosen.source != "equal":
        yield held("equal weights", "uqs", levels.scores(np.ones(len(cube.metrics))))
    if published is not None:
        even = published.scores(np.ones(len(cube.metrics)))
        yield held("published form, equal weights", "uqs", even)
    yield held("best single metric in training", "metric", _best(alone, target), learned=True)
    for k, metric in enumerate(cube.metrics):
        yield held(f"{metric} alone", "metric", alone.values[:, :, k])


def _best(levels: Levels, target: FloatArray) -> FloatArray:
    rho = reliabilities(levels.values, target)
    found = np.full(target.shape, np.nan)
    for b in range(len(found)):
        if len(found) > 1 and (k := best_metric(np.delete(rho, b, axis=0))) is not None:
            found[b] = levels.values[b, :, k]
    return found
