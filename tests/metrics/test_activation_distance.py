from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from uqs.metrics.activation_distance import ActivationDistance
from uqs.metrics.base import Evidence
from uqs.records import Status
from uqs.traces.judged import right_answers


def plain(first: np.ndarray, second: np.ndarray) -> float:
    total = 0.0
    for a, b in zip(first, second, strict=True):
        total += math.sqrt(sum((float(x) - float(y)) ** 2 for x, y in zip(a, b, strict=True)))
    return total / len(first)


def test_equals_a_plain_loop_in_every_place(make_trace) -> None:  # type: ignore[no-untyped-def]
    model, oracle = make_trace(seed=0), make_trace(seed=1)
    rows = list(
        ActivationDistance().against(Evidence({"forget": model}), Evidence({"forget": oracle}), 0)
    )
    found = {row.measurement.split: row.measurement for row in rows}
    assert {split: one.value for split, one in found.items()} == {
        "forget": pytest.approx(plain(model.answer_activations[-2], oracle.answer_activations[-2])),
        "forget/layer-1": pytest.approx(
            plain(model.answer_activations[-1], oracle.answer_activations[-1])
        ),
        "forget/layer-2": pytest.approx(found["forget"].value),
        "forget/last_prompt": pytest.approx(
            plain(model.prompt_activations[-2], oracle.prompt_activations[-2])
        ),
    }
    assert found["forget"].n == 24
    assert rows[0].measurement.split == "forget"


def test_a_model_is_at_no_distance_from_itself(make_trace) -> None:  # type: ignore[no-untyped-def]
    same = Evidence({"forget": make_trace()})
    assert next(ActivationDistance().against(same, same, 0)).measurement.value == 0


def test_what_was_not_traced_is_a_status_and_the_rest_is_measured(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace()
    last = dataclasses.replace(
        trace, answer_activations={-1: trace.answer_activations[-1]}, prompt_activations={}
    )
    both = Evidence({"forget": trace}), Evidence({"forget": last})
    rows = [row.measurement for row in ActivationDistance().against(*both, 0)]
    assert [(row.split, row.status) for row in rows] == [
        ("forget/last_prompt", Status.MISSING_TRACE),
        ("forget/layer-1", Status.OK),
    ]
    rows = [row.measurement for row in ActivationDistance().against(Evidence({}), both[0], 0)]
    assert [(row.split, row.status) for row in rows] == [
        ("forget/last_prompt", Status.MISSING_TRACE)
    ]


def test_activations_that_overflowed_are_a_status(make_trace) -> None:  # type: ignore[no-untyped-def]
    model, oracle = make_trace(seed=0), make_trace(seed=1)
    model.answer_activations[-2][3, 1] = np.inf
    both = Evidence({"forget": model}), Evidence({"forget": oracle})
    assert next(ActivationDistance().against(*both, 0)).measurement.status == Status.COLLAPSED


def test_models_of_other_widths_have_no_distance(make_trace) -> None:  # type: ignore[no-untyped-def]
    model, oracle = make_trace(seed=0), make_trace(seed=1)
    wide = {k: np.zeros((24, 7), np.float32) for k in (-1, -2)}
    both = (
        Evidence({"forget": model}),
        Evidence({"forget": dataclasses.replace(oracle, answer_activations=wide)}),
    )
    with pytest.raises(ValueError, match="widths: 5 and 7"):
        list(ActivationDistance().against(*both, 0))


def test_a_good_value_does_not_show_that_the_answers_are_the_oracles(make_trace) -> None:  # type: ignore[no-untyped-def]
    """A step of 0.01 across the boundary of a linear read-out changes every answer."""
    oracle = dataclasses.replace(make_trace(), answers=("blue",) * 24)
    direction = np.eye(5, dtype=np.float32)[0]
    states = oracle.answer_activations[-2] * (1 - direction) - 0.005 * direction
    shifted = states + 0.01 * direction
    answers = tuple("Red." if state @ direction > 0 else "blue" for state in shifted)
    model = dataclasses.replace(oracle, answer_activations={-2: shifted}, answers=answers)
    oracle = dataclasses.replace(oracle, answer_activations={-2: states})
    both = Evidence({"forget": model}), Evidence({"forget": oracle})
    value = next(ActivationDistance().against(*both, 0)).measurement.value
    assert value == pytest.approx(0.01, abs=1e-6)
    assert right_answers(model).all()
    assert not right_answers(oracle).any()


NOT_SHOWN = {"AD": test_a_good_value_does_not_show_that_the_answers_are_the_oracles}
