"""Scores of random weightings and filters by Python, which the board's TypeScript must equal.

    python scripts/board_golden.py RESULTS OUT.json CASES

`board/test/golden/published.json` is of the run that the tests make (`tests/report/board/test_golden.py`
holds it to today's Python), `demo.json` of the finished demo.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from uqs.errors import UserError
from uqs.report.analysis import Analysis, analyse
from uqs.report.board.live.data import board
from uqs.results.panel import Panel
from uqs.score import ScoreResult, score

Tree = dict[str, Any]


def golden(found: Analysis, cases: int) -> Tree:
    """The board's data, as far as the score reads them, and what Python makes of them."""
    data = board(found)
    if data["score"] is None:
        raise UserError(data["unscored"])
    names = set(data["score"]["metrics"])
    runs = data["runs"]
    return {
        "board": {
            **{name: data[name] for name in ("benchmarks", "methods", "score")},
            "runs": {**runs, "metrics": {k: v for k, v in runs["metrics"].items() if k in names}},
        },
        "cases": list(_cases(found.panel, found.long, data["score"]["metrics"], cases)),
        "presets": [
            _case(found.panel, found.long, name, form)
            for name in ("equal", "published", "held-out", "references")
            for form in ("published", "calibrated")
        ],
    }


def _cases(panel: Panel, long: pd.DataFrame, metrics: list[str], cases: int) -> Iterator[Tree]:
    """Half of them filtered; some weights are 0."""
    rng = np.random.default_rng(16)
    for at in range(cases):
        keep = (1.0,) * 3 if at % 4 < 2 else (0.7, 0.8, 0.8)
        named: list[list[Any]] = [
            [one for one in every if rng.random() < part] or list(every)
            for every, part in zip(
                (panel.benchmarks, panel.methods, np.unique(panel.seed).tolist()), keep, strict=True
            )
        ]
        weights = rng.dirichlet(np.ones(len(metrics)))
        if at % 3 == 0:
            weights[rng.integers(len(metrics))] = 0.0
        rows = (
            np.isin(panel.benchmark, named[0])
            & np.isin(panel.method, named[1])
            & np.isin(panel.seed, named[2])
        )
        given = dict(zip(metrics, weights.tolist(), strict=True))
        form = ("published", "calibrated")[at % 2]
        found = _case(panel.take(rows), long, given, form)
        yield {"benchmarks": named[0], "methods": named[1], "seeds": named[2]} | found


def _case(panel: Panel, long: pd.DataFrame, weights: Any, form: Any) -> Tree:
    given = list(weights.values()) if isinstance(weights, dict) else weights
    case: Tree = {"form": form, "weights": given}
    try:
        return case | {"found": scored(score(panel, weights, form=form, long=long))}
    except UserError as error:
        return case | {"error": str(error)}


def scored(result: ScoreResult) -> Tree:
    """What the board computes too."""
    return {
        "methods": [
            {
                "method": one.method,
                "uqs": one.uqs,
                "se": one.se,
                "rank": one.rank,
                "rankLow": one.rank_interval[0],
                "rankHigh": one.rank_interval[1],
                "group": one.tie_group,
                "first": one.first_share,
                "pareto": one.pareto,
                "byBenchmark": list(one.by_benchmark.values()),
            }
            for one in result.methods
        ],
        "curve": [
            {"kappa": one.kappa, "tau": one.mean_tau, "sameFirst": one.same_first}
            for one in result.stability.local
        ],
    }


if __name__ == "__main__":
    source, target, many = sys.argv[1:]
    made = golden(analyse(Path(source)), int(many))
    Path(target).write_text(json.dumps(made, allow_nan=False) + "\n", encoding="utf-8")
