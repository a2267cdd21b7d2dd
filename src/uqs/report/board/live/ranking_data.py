"""What the application computes UQS from: runs, scales of the metrics, weights, and the random state."""

from __future__ import annotations

import numpy as np
import pandas as pd

from uqs.records import Status
from uqs.report.board.live.schema import (
    Column,
    Generator,
    Ladder,
    Number,
    Preset,
    Response,
    Runs,
    Scale,
    Score,
)
from uqs.report.words import STATUS
from uqs.results.panel import FloatArray, Panel
from uqs.score import ScoreResult, calibration
from uqs.score import cube as cubes
from uqs.score.cube import Cube
from uqs.score.presets import presets
from uqs.score.scoring import DRAWS, LEVEL
from uqs.score.transforms import calibrate
from uqs.score.weights import Weights
from uqs.stats.response import Response as Fitted


def runs(panel: Panel, benchmarks: list[str], methods: list[str], metrics: list[str]) -> Runs:
    """All unlearned models of a panel, by the numbers of their benchmark and method."""
    return Runs(
        benchmark=[benchmarks.index(name) for name in panel.benchmark.tolist()],
        method=[methods.index(name) for name in panel.method.tolist()],
        seed=panel.seed.tolist(),
        metrics={metric: _column(panel, metric) for metric in metrics},
    )


def _column(panel: Panel, metric: str) -> Column:
    values = panel.values[metric]
    statuses = panel.statuses.get(metric)
    words = [""] * len(values) if statuses is None else [_said(one) for one in statuses.tolist()]
    held = panel.by_oracle.get(metric)
    return Column(
        values=numbers(values),
        errors=numbers(panel.errors.get(metric, np.full(len(values), np.nan))),
        statuses=[
            "" if known else word or "not measured"
            for known, word in zip((~np.isnan(values)).tolist(), words, strict=True)
        ],
        oracles=None if held is None else [numbers(row) for row in held],
    )


def _said(status: str) -> str:
    return STATUS[Status(status)] if status else ""


def numbers(values: FloatArray) -> list[Number]:
    """An array as JSON has it: no number is null."""
    return [value if np.isfinite(value) else None for value in values.tolist()]


def score(panel: Panel, long: pd.DataFrame, found: ScoreResult) -> Score:
    """What `uqs.score` has read of a table that it could score, which it did as `found`."""
    cube = cubes.build(panel)
    ladders = calibration.calibration(long)
    state = np.random.default_rng(0).bit_generator.state["state"]
    return Score(
        form=found.form,
        metrics=list(cube.metrics),
        ladders={name: _ladder(one) for name, one in ladders.ladders.items()},
        scales=[_scale(panel, name, metric) for name in cube.benchmarks for metric in cube.metrics],
        presets=[
            _preset(name, one, cube) for name, one in presets(panel, found.form, ladders).items()
        ],
        generator=Generator(state=str(state["state"]), increment=str(state["inc"])),
        level=LEVEL,
        draws=DRAWS,
    )


def response(found: Fitted) -> Response:
    """The response of a metric."""
    return Response(shares=list(found.shares), means=list(found.means), direction=found.direction)


def _ladder(found: calibration.Ladder) -> Ladder:
    utility = found.utility
    return Ladder(
        responses={name: response(one) for name, one in found.responses.items()},
        utility=None
        if utility is None
        else {"shares": list(utility.shares), "means": list(utility.means), "sd": utility.sd},
        why=dict(found.why),
        tolerance=found.tolerance,
    )


def _scale(panel: Panel, benchmark: str, metric: str) -> Scale:
    found = calibrate(panel, benchmark, metric)
    if isinstance(found, Status):
        status, oracle, zero, one = STATUS[found], 0.0, 0.0, 0.0
    else:
        status, oracle, zero, one = "", found.oracle, found.zero, found.one
    return Scale(
        benchmark=benchmark, metric=metric, status=status, oracle=oracle, zero=zero, one=one
    )


def _preset(name: str, found: Weights | str, cube: Cube) -> Preset:
    if isinstance(found, str):
        return Preset(name=name, weights=[], benchmarks=[], reason=found)
    return Preset(
        name=name,
        weights=[list(map(float, row)) for row in found.matrix],
        benchmarks=list(cube.benchmarks),
        reason="",
    )
