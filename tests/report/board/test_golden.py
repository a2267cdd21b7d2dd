"""The file that the application's score is held to is what Python computes today."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from uqs.report.analysis import analyse
from uqs.report.board.live.data import board
from uqs.score import score

ROOT = Path(__file__).parents[3]
SPEC = importlib.util.spec_from_file_location("board_golden", ROOT / "scripts" / "board_golden.py")
assert SPEC is not None
assert SPEC.loader is not None
SCRIPT = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(SCRIPT)
RECIPE = "run: python scripts/board_golden.py RUN board/test/golden/published.json 60"


def test_the_golden_file_is_of_today(rows, make_run):
    golden = json.loads((ROOT / "board/test/golden/published.json").read_text(encoding="utf-8"))
    found = analyse(make_run(rows))
    data = json.loads(json.dumps(board(found)))
    for name in ("benchmarks", "methods"):
        assert data[name] == golden["board"][name], RECIPE
    assert_near(data["score"], golden["board"]["score"])
    for name, column in golden["board"]["runs"]["metrics"].items():
        assert_near(data["runs"]["metrics"][name], column)
    panel = found.panel
    kept = [one for one in golden["cases"] if "found" in one]
    assert len(kept) > len(golden["cases"]) / 2
    for case in kept[:4]:
        rows_kept = (
            np.isin(panel.benchmark, case["benchmarks"])
            & np.isin(panel.method, case["methods"])
            & np.isin(panel.seed, case["seeds"])
        )
        weights = dict(zip(data["score"]["metrics"], case["weights"], strict=True))
        made = score(panel.take(rows_kept), weights, form=case["form"], long=found.long)
        assert_near(SCRIPT.scored(made), case["found"])


def assert_near(mine, golden):
    """Equal, numbers to 1e-9."""
    if isinstance(golden, dict):
        assert mine.keys() == golden.keys(), RECIPE
        for name, value in golden.items():
            assert_near(mine[name], value)
    elif isinstance(golden, list):
        assert len(mine) == len(golden), RECIPE
        for one, other in zip(mine, golden, strict=True):
            assert_near(one, other)
    elif isinstance(golden, float):
        assert mine == pytest.approx(golden, abs=1e-9), RECIPE
    else:
        assert mine == golden, RECIPE
