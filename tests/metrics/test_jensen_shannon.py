from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from uqs.metrics.base import Evidence
from uqs.metrics.jensen_shannon import JensenShannon, divergence
from uqs.records import Status


def test_equals_scipy_position_by_position(make_trace) -> None:  # type: ignore[no-untyped-def]
    model, oracle = make_trace(seed=0), make_trace(seed=1)
    rows = list(
        JensenShannon().measure(
            Evidence({"forget": model}, {}), {3: Evidence({"forget": oracle}, {})}
        )
    )
    expected = []
    for i in range(len(model)):
        at = range(model.offsets[i], model.offsets[i + 1])
        one = [
            jensenshannon(np.exp(model.log_probs[k]), np.exp(oracle.log_probs[k]), base=2) ** 2
            for k in at
        ]
        expected.append(np.mean(one))
    assert rows[0].oracle_seed == 3
    assert rows[0].measurement.value == pytest.approx(np.mean(expected), rel=1e-5)


@given(st.integers(0, 10_000))
def test_bounds_symmetry_and_token_identity(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = np.log(rng.dirichlet(np.full(6, 0.3), 2)[:, None, :] + 1e-300)
    value = divergence(first, second)[0]
    assert 0 <= value <= 1
    assert value == pytest.approx(divergence(second, first)[0], abs=1e-12)
    assert divergence(first, first)[0] == pytest.approx(0, abs=1e-12)


def test_the_same_probabilities_on_other_tokens_are_far_apart() -> None:
    first = np.log(np.array([[0.97, 0.01, 0.01, 0.01]]))
    assert divergence(first, first[:, ::-1])[0] > 0.8


def test_disjoint_distributions_are_one_bit_apart() -> None:
    with np.errstate(divide="ignore"):
        first, second = np.log(np.array([[1.0, 0.0]])), np.log(np.array([[0.0, 1.0]]))
    assert divergence(first, second)[0] == 1


def test_without_an_oracle_there_is_a_status(make_trace) -> None:  # type: ignore[no-untyped-def]
    row = next(JensenShannon().measure(Evidence({"forget": make_trace()}, {}), {})).measurement
    assert (row.value, row.status) == (None, Status.MISSING_ORACLE)


def test_other_samples_are_an_error(make_trace) -> None:  # type: ignore[no-untyped-def]
    model = make_trace()
    other = dataclasses.replace(model, ids=tuple(reversed(model.ids)))
    with pytest.raises(ValueError, match="different samples"):
        JensenShannon().against(Evidence({"forget": model}, {}), Evidence({"forget": other}, {}))
