from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from uqs.metrics.base import Evidence, References
from uqs.metrics.distributions import CommonTokens
from uqs.metrics.jensen_shannon import JensenShannon, divergence, per_sample
from uqs.records import Status


def test_equals_scipy_position_by_position(make_trace) -> None:  # type: ignore[no-untyped-def]
    model, oracle = make_trace(seed=0), make_trace(seed=1)
    rows = list(
        JensenShannon().measure(
            Evidence({"forget": model}), References({3: Evidence({"forget": oracle})})
        )
    )
    expected = []
    for i in range(len(model)):
        at = range(model.offsets[i], model.offsets[i + 1])
        one = [
            jensenshannon(np.exp(model.top_log_probs[k]), np.exp(oracle.top_log_probs[k]), base=2)
            ** 2
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
    row = next(
        JensenShannon().measure(Evidence({"forget": make_trace()}), References())
    ).measurement
    assert (row.value, row.status) == (None, Status.MISSING_ORACLE)


def test_other_samples_are_an_error(make_trace) -> None:  # type: ignore[no-untyped-def]
    model = make_trace()
    other = dataclasses.replace(model, ids=tuple(reversed(model.ids)))
    with pytest.raises(ValueError, match="different samples"):
        list(JensenShannon().against(Evidence({"forget": model}), Evidence({"forget": other}), 0))


@pytest.mark.parametrize("top_k", [1, 3, 8])
def test_the_exact_value_lies_within_the_bound(make_trace, top_k: int) -> None:  # type: ignore[no-untyped-def]
    pair = [make_trace(seed=seed) for seed in (0, 1)]
    kept = [make_trace(seed=seed, top_k=top_k) for seed in (0, 1)]
    exact, found = per_sample(*pair), per_sample(*kept)
    assert (exact.bounds == 0).all()
    assert (found.bounds > 0).all()
    assert (np.abs(found.values - exact.values) <= found.bounds + 1e-6).all()
    row = next(
        JensenShannon().against(Evidence({"forget": kept[0]}), Evidence({"forget": kept[1]}), 0)
    ).measurement
    assert row.bound == pytest.approx(found.bounds.mean())


def test_the_bound_is_reached_by_rests_on_different_tokens() -> None:
    """Two models that share one token and put the rest on tokens of their own."""
    first, second = np.array([[0.6, 0.4, 0.0]]), np.array([[0.6, 0.0, 0.4]])
    exact = jensenshannon(first[0], second[0], base=2) ** 2
    shared = np.log(np.array([[0.6]]))
    rest = np.array([0.4])
    merged = CommonTokens(shared, shared, rest, rest).merged()
    assert divergence(*merged)[0] == pytest.approx(0)
    assert exact == pytest.approx(0.4)
