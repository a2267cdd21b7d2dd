from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uqs.metrics.activation_distance import ActivationDistance
from uqs.metrics.base import Evidence
from uqs.metrics.cka import LinearCKA, linear_cka
from uqs.records import Status
from uqs.traces.trace import Trace


def hsic(k: np.ndarray, m: np.ndarray) -> float:
    """The definition of Gretton et al. 2005: tr(K H L H) / (n - 1)^2."""
    n = len(k)
    centre = np.eye(n) - 1 / n
    return float(np.trace(k @ centre @ m @ centre)) / (n - 1) ** 2


def by_hsic(x: np.ndarray, y: np.ndarray) -> float:
    k = np.array([[sum(a * b for a, b in zip(i, j, strict=True)) for j in x] for i in x])
    m = np.array([[sum(a * b for a, b in zip(i, j, strict=True)) for j in y] for i in y])
    return hsic(k, m) / float(np.sqrt(hsic(k, k) * hsic(m, m)))


@pytest.mark.parametrize(("n", "width", "other"), [(6, 9, 4), (20, 5, 3), (12, 12, 12)])
def test_equals_hsic_by_the_definition_and_its_jackknife(n: int, width: int, other: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, width)) + 3
    y = x[:, :other] + rng.normal(size=(n, min(other, width)))
    entities = [f"e{i % 5}" for i in range(n)]
    found = linear_cka(x, y, entities)
    assert found.value == pytest.approx(by_hsic(x, y))
    left = []
    for name in sorted(set(entities)):
        kept = [i for i in range(n) if entities[i] != name]
        left.append(by_hsic(x[kept], y[kept]))
    assert found.se == pytest.approx(np.sqrt(4 / 5 * np.sum((np.array(left) - np.mean(left)) ** 2)))


@given(st.integers(0, 1000), st.integers(3, 12), st.integers(1, 12))
def test_lies_between_0_and_1_and_is_symmetric(seed: int, n: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, width)), rng.normal(size=(n, 4))
    names = [str(i % 3) for i in range(n)]
    found = linear_cka(x, y, names)
    assert found.value is not None
    assert 0 <= found.value <= 1
    assert found.value == pytest.approx(linear_cka(y, x, names).value, abs=1e-9)
    assert linear_cka(x, x, names).value == pytest.approx(1)


def test_standard_error_matches_repeated_draws() -> None:
    rng = np.random.default_rng(1)
    names = [str(i // 3) for i in range(150)]
    values, errors = [], []
    for _ in range(200):
        x = np.repeat(rng.normal(size=(50, 4)), 3, axis=0) + 0.5 * rng.normal(size=(150, 4))
        found = linear_cka(x, x + rng.normal(size=x.shape), names)
        assert found.se is not None
        values.append(found.value)
        errors.append(found.se)
    assert np.mean(errors) == pytest.approx(np.std(np.array(values, dtype=float)), rel=0.2)


def test_one_row_for_each_place_against_an_oracle(make_trace) -> None:  # type: ignore[no-untyped-def]
    model, oracle = make_trace(seed=0), make_trace(seed=1)
    rows = list(LinearCKA().against(Evidence({"forget": model}), Evidence({"forget": oracle}), 3))
    assert [row.measurement.split for row in rows] == [
        "forget",
        "forget/layer-2",
        "forget/layer-1",
        "forget/last_prompt",
    ]
    assert {row.oracle_seed for row in rows} == {3}
    assert rows[2].measurement.value == pytest.approx(
        by_hsic(model.answer_activations[-1], oracle.answer_activations[-1]), rel=1e-5
    )


def test_activations_that_do_not_vary_or_exist_are_a_status(make_trace) -> None:  # type: ignore[no-untyped-def]
    oracle = make_trace(seed=1)
    for value, status in ((0.0, Status.TOO_FEW), (0.1, Status.TOO_FEW), (np.nan, Status.COLLAPSED)):
        states = np.full((24, 5), value, np.float32)
        model = dataclasses.replace(oracle, answer_activations={-2: states})
        both = Evidence({"forget": model}), Evidence({"forget": oracle})
        found = next(LinearCKA().against(*both, 0)).measurement
        assert (found.value, found.status) == (None, status)
    found = next(LinearCKA().against(Evidence({}), Evidence({}), 0)).measurement
    assert found.status == Status.MISSING_TRACE


def test_few_entities_have_no_standard_error() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 3)), rng.normal(size=(8, 3))
    assert linear_cka(x, y, ["a"] * 8).se is None
    varies_in_one_entity_alone = np.vstack([x[:1], np.zeros((7, 3))])
    assert linear_cka(varies_in_one_entity_alone, y, ["a", *"bbbbbbb"]).se is None


def test_activations_as_large_as_float32_allows_are_compared(make_trace) -> None:  # type: ignore[no-untyped-def]
    model, oracle = make_trace(seed=0), make_trace(seed=1)
    one, other = (trace.answer_activations[-2].astype(float) for trace in (model, oracle))
    plain = linear_cka(one, other, model.entities)
    huge = linear_cka(one * 5e37, other * 5e37, model.entities)
    assert plain.value is not None
    assert huge == (pytest.approx(plain.value), pytest.approx(plain.se))


@pytest.mark.parametrize("n", [10, 100])
def test_a_good_value_does_not_show_that_the_activations_are_the_oracles(
    make_trace: Callable[..., Trace], n: int
) -> None:
    rng = np.random.default_rng(0)
    oracle = make_trace(entities=n, each=1)
    states = rng.normal(size=(n, 30))
    turned = 7 * states @ np.linalg.qr(rng.normal(size=(30, 30)))[0] + 5
    model, reference = (
        Evidence({"forget": dataclasses.replace(oracle, answer_activations={-2: one})})
        for one in (turned.astype(np.float32), states.astype(np.float32))
    )
    assert next(LinearCKA().against(model, reference, 0)).measurement.value == pytest.approx(
        1, abs=1e-6
    )
    distance = next(ActivationDistance().against(model, reference, 0)).measurement.value
    assert distance is not None
    assert distance > 20


NOT_SHOWN = {"CKA": test_a_good_value_does_not_show_that_the_activations_are_the_oracles}
