from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from uqs.metrics.base import Evidence, MetricResult, References
from uqs.metrics.relative_activation_distance import RelativeActivationDistance
from uqs.records import Status
from uqs.traces.judged import right_answers
from uqs.traces.trace import Trace


def measured(model: Trace, *oracles: Trace) -> list[MetricResult]:
    references = References({seed: Evidence({"forget": one}) for seed, one in enumerate(oracles)})
    return list(RelativeActivationDistance().measure(Evidence({"forget": model}), references))


def headline(rows: list[MetricResult]) -> list[MetricResult]:
    return [row for row in rows if row.measurement.split == "forget"]


def test_equals_the_ratio_of_mean_distances(make_trace) -> None:  # type: ignore[no-untyped-def]
    model, *oracles = [make_trace(seed=seed) for seed in range(4)]
    states = [trace.answer_activations[-2].astype(float) for trace in (model, *oracles)]

    def apart(a: int, b: int) -> float:
        return float(
            np.mean(
                [np.sqrt(((x - y) ** 2).sum()) for x, y in zip(states[a], states[b], strict=True)]
            )
        )

    rows = headline(measured(model, *oracles))
    assert [row.oracle_seed for row in rows] == [0, 1, 2]
    assert [row.measurement.value for row in rows] == [
        pytest.approx(apart(0, 1) / np.mean([apart(2, 1), apart(3, 1)])),
        pytest.approx(apart(0, 2) / np.mean([apart(1, 2), apart(3, 2)])),
        pytest.approx(apart(0, 3) / np.mean([apart(1, 3), apart(2, 3)])),
    ]


def with_states(trace: Trace, states: np.ndarray) -> Trace:
    return dataclasses.replace(
        trace, answer_activations={-2: states.astype(np.float32)}, prompt_activations={}
    )


def test_standard_error_matches_repeated_draws(make_trace) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    trace = make_trace(entities=25, each=4)
    values, errors = [], []
    for _ in range(300):
        size = np.repeat(rng.gamma(4, size=25), 4)[:, None]  # some entities have larger states
        states = [size * rng.normal(size=(100, 5)) for _ in range(3)]
        row = headline(measured(*(with_states(trace, one) for one in states)))[0].measurement
        assert row.value is not None
        assert row.se is not None
        values.append(row.value)
        errors.append(row.se)
    assert np.mean(values) == pytest.approx(1, abs=0.02)  # one more oracle lies at the noise floor
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.15)


def test_without_two_oracles_there_is_a_status(make_trace) -> None:  # type: ignore[no-untyped-def]
    model, one = make_trace(seed=0), make_trace(seed=1)
    assert [row.measurement.status for row in measured(model)] == [Status.MISSING_ORACLE]
    rows = headline(measured(model, one))
    assert [(row.measurement.status, row.oracle_seed) for row in rows] == [(Status.TOO_FEW, 0)]
    assert {row.measurement.status for row in measured(model, one, one)} == {Status.TOO_FEW}


@pytest.mark.parametrize("broken", range(4))
def test_states_that_are_no_numbers_are_collapsed_in_the_floor_too(make_trace, broken) -> None:  # type: ignore[no-untyped-def]
    traces = [make_trace(seed=seed) for seed in range(4)]
    traces[broken].answer_activations[-2][3, 1] = np.inf
    rows = headline(measured(*traces))
    assert [row.measurement.status for row in rows] == [Status.COLLAPSED] * 3


def test_a_good_value_does_not_show_that_the_oracles_answers_are_given(make_trace) -> None:  # type: ignore[no-untyped-def]
    """The model lies nearer to an oracle than the oracles to each other, and answers what they do not."""
    oracles = [
        dataclasses.replace(make_trace(seed=seed), answers=("blue",) * 24) for seed in (1, 2)
    ]
    near = oracles[0].answer_activations[-2] + 0.01
    model = dataclasses.replace(oracles[0], answer_activations={-2: near}, answers=("Red.",) * 24)
    row = headline(measured(model, *oracles))[0].measurement
    assert row.value is not None
    assert row.value < 0.1
    assert right_answers(model).all()
    assert not any(right_answers(one).any() for one in oracles)


NOT_SHOWN = {"AD_REL": test_a_good_value_does_not_show_that_the_oracles_answers_are_given}
