from __future__ import annotations

import numpy as np
import pytest

from uqs.metrics.base import Evidence
from uqs.metrics.jensen_shannon import per_sample
from uqs.metrics.oracle_distance import FunctionalDistance, OracleDistance


def evidence(seed: int) -> Evidence:
    rng = np.random.default_rng(seed)
    return Evidence({}, {name: rng.normal(size=(4, 3)) for name in ("q", "v")})


def test_mean_relative_distance_of_updates_by_hand() -> None:
    model = Evidence({}, {"q": np.array([[3.0, 0.0]]), "v": np.array([[1.0, 1.0]])})
    oracle = Evidence({}, {"q": np.array([[0.0, 4.0]]), "v": np.array([[1.0, 1.0]])})
    found = next(OracleDistance().against(model, oracle, 0)).measurement
    assert found.value == pytest.approx((5 / 4 + 0) / 2)
    assert (found.se, found.n) == (None, 2)


def test_other_layers_are_an_error() -> None:
    with pytest.raises(ValueError, match="different layers"):
        list(OracleDistance().against(evidence(0), Evidence({}, {"q": np.zeros((4, 3))}), 0))


def test_functional_distance_is_the_divergence_on_holdout(make_trace) -> None:  # type: ignore[no-untyped-def]
    model, oracle = make_trace("holdout", 0), make_trace("holdout", 1)
    measured = FunctionalDistance().against(
        Evidence({"holdout": model}), Evidence({"holdout": oracle}), 0
    )
    found = next(measured).measurement
    assert found.value == pytest.approx(per_sample(model, oracle).values.mean())
    assert found.split == "holdout"
