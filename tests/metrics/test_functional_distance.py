from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from uqs.metrics.base import Evidence
from uqs.metrics.functional_distance import FunctionalDistance
from uqs.records import Status
from uqs.traces.judged import right_answers
from uqs.traces.trace import Trace


def plain(model: Trace, oracle: Trace) -> float:
    pairs = zip(np.exp(model.top_log_probs), np.exp(oracle.top_log_probs), strict=True)
    by_position = [jensenshannon(p, q, base=2) ** 2 for p, q in pairs]
    spans = zip(model.offsets, model.offsets[1:], strict=False)
    return float(np.mean([np.mean(by_position[i:j]) for i, j in spans]))


def test_is_the_divergence_on_holdout_and_on_what_else_was_traced(make_trace) -> None:  # type: ignore[no-untyped-def]
    splits = ("holdout", "neighbour", "real_world", "forget")
    model = {split: make_trace(split, seed) for seed, split in enumerate(splits)}
    oracle = {split: make_trace(split, 10 + seed) for seed, split in enumerate(splits)}
    del oracle["real_world"]
    rows = list(FunctionalDistance().against(Evidence(model), Evidence(oracle), 4))
    assert [row.measurement.split for row in rows] == ["holdout", "neighbour"]
    assert {row.oracle_seed for row in rows} == {4}
    expected = [plain(model[split], oracle[split]) for split in ("holdout", "neighbour")]
    assert [row.measurement.value for row in rows] == pytest.approx(expected, rel=1e-5)


def test_a_missing_holdout_is_a_status(make_trace) -> None:  # type: ignore[no-untyped-def]
    near = Evidence({"neighbour": make_trace("neighbour")})
    rows = [row.measurement for row in FunctionalDistance().against(near, near, 0)]
    assert [(row.split, row.status) for row in rows] == [
        ("holdout", Status.MISSING_TRACE),
        ("neighbour", Status.OK),
    ]


def test_a_good_value_does_not_show_that_the_forget_set_is_forgotten(make_trace) -> None:  # type: ignore[no-untyped-def]
    knows = dataclasses.replace(make_trace("forget"), answers=("red",) * 24)
    forgot = dataclasses.replace(make_trace("forget", 1), answers=("blue",) * 24)
    same = make_trace("holdout")
    model = Evidence({"holdout": same, "forget": knows})
    oracle = Evidence({"holdout": same, "forget": forgot})
    value = next(FunctionalDistance().against(model, oracle, 0)).measurement.value
    assert value == pytest.approx(0, abs=1e-9)
    assert right_answers(model.traces["forget"]).all()
    assert not right_answers(oracle.traces["forget"]).any()


NOT_SHOWN = {
    "functional_distance": test_a_good_value_does_not_show_that_the_forget_set_is_forgotten
}
