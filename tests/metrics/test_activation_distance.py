from __future__ import annotations

import math

import pytest

from uqs.metrics.activation_distance import ActivationDistance
from uqs.metrics.base import Evidence


def test_equals_a_plain_loop(make_trace) -> None:  # type: ignore[no-untyped-def]
    model, oracle = make_trace(seed=0), make_trace(seed=1)
    rows = ActivationDistance().against(
        Evidence({"forget": model}), Evidence({"forget": oracle}), 0
    )
    found = next(rows).measurement
    total = 0.0
    for a, b in zip(model.answer_activations[-2], oracle.answer_activations[-2], strict=True):
        total += math.sqrt(sum((float(x) - float(y)) ** 2 for x, y in zip(a, b, strict=True)))
    assert found.value == pytest.approx(total / 24, rel=1e-6)
    assert found.n == 24


def test_a_model_is_at_no_distance_from_itself(make_trace) -> None:  # type: ignore[no-untyped-def]
    same = Evidence({"forget": make_trace()})
    assert next(ActivationDistance().against(same, same, 0)).measurement.value == 0
