from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest

from uqs.metrics.base import Evidence, Floats, OracleMetric
from uqs.metrics.full_weight_distance import FullWeightDistance
from uqs.metrics.oracle_distance import OracleDistance, norms
from uqs.records import Measurement, Status


def evidence(seed: int) -> Evidence:
    rng = np.random.default_rng(seed)
    return Evidence({}, {name: rng.normal(size=(4, 3)) for name in ("q", "v")})


def measured(metric: OracleMetric, model: Evidence, oracle: Evidence) -> Measurement:
    return next(metric.against(model, oracle, 0)).measurement


MODEL = Evidence({}, {"q": np.array([[3.0, 0.0]]), "v": np.array([[1.0, 1.0]])})
ORACLE = Evidence({}, {"q": np.array([[0.0, 4.0]]), "v": np.array([[1.0, 1.0]])})


def test_mean_relative_distance_of_updates_by_hand() -> None:
    found = measured(OracleDistance(), MODEL, ORACLE)
    assert found.value == pytest.approx((5 / 4 + 0) / 2)
    assert (found.se, found.n) == (None, 2)


def test_relative_distance_of_all_weights_by_hand() -> None:
    found = measured(FullWeightDistance(), MODEL, ORACLE)
    assert found.value == pytest.approx(5 / np.sqrt(16 + 2))
    assert (found.se, found.n) == (None, 2)


def test_all_weights_equal_one_long_vector_of_them() -> None:
    model, oracle = evidence(0), evidence(1)
    assert model.update is not None
    assert oracle.update is not None
    ours, wanted = (
        np.concatenate([e.update[name].ravel() for name in ("q", "v")])  # type: ignore[index]
        for e in (model, oracle)
    )
    expected = np.sqrt(((ours - wanted) ** 2).sum() / (wanted**2).sum())
    assert measured(FullWeightDistance(), model, oracle).value == pytest.approx(expected)
    base = Evidence({}, {name: np.zeros((4, 3)) for name in ("q", "v")})
    assert measured(FullWeightDistance(), base, oracle).value == pytest.approx(1)


@pytest.mark.parametrize("metric", [OracleDistance(), FullWeightDistance()])
def test_other_layers_and_shapes_are_an_error(metric: OracleMetric) -> None:
    with pytest.raises(ValueError, match="different layers"):
        measured(metric, evidence(0), Evidence({}, {"q": np.zeros((4, 3))}))
    with pytest.raises(ValueError, match=r"'v'.*\(1, 3\)"):
        other = Evidence({}, {"q": np.zeros((4, 3)), "v": np.zeros((1, 3))})
        measured(metric, evidence(0), other)


@pytest.mark.parametrize("metric", [OracleDistance(), FullWeightDistance()])
def test_unknown_weights_are_a_status(metric: OracleMetric) -> None:
    assert measured(metric, evidence(0), Evidence({})).status == Status.MISSING_TRACE


@pytest.mark.parametrize("metric", [OracleDistance(), FullWeightDistance()])
def test_an_oracle_that_is_the_base_or_has_no_layer_is_a_status(metric: OracleMetric) -> None:
    base = Evidence({}, {name: np.zeros((4, 3)) for name in ("q", "v")})
    assert measured(metric, evidence(0), base).status == Status.TOO_FEW
    assert measured(metric, Evidence({}, {}), Evidence({}, {})).status == Status.TOO_FEW


def test_a_layer_that_the_oracle_left_alone_is_left_out_of_the_mean() -> None:
    model = Evidence({}, {**(MODEL.update or {}), "k": np.ones((2, 2))})
    oracle = Evidence({}, {**(ORACLE.update or {}), "k": np.zeros((2, 2))})
    found = measured(OracleDistance(), model, oracle)
    assert found.value == pytest.approx((5 / 4 + 0) / 2)
    assert found.n == 2


@pytest.mark.parametrize("metric", [OracleDistance(), FullWeightDistance()])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_collapsed(metric: OracleMetric, bad: float) -> None:
    broken = evidence(1)
    assert broken.update is not None
    broken.update["v"][1, 1] = bad
    for pair in ((evidence(0), broken), (broken, evidence(0))):
        assert measured(metric, *pair).status == Status.COLLAPSED


class Counted(Mapping[str, Floats]):
    """Layers that are made when asked for; counts how often."""

    def __init__(self, seed: int) -> None:
        self.asked: list[str] = []
        self._update = evidence(seed).update or {}

    def __getitem__(self, layer: str) -> Floats:
        self.asked.append(layer)
        return self._update[layer].copy()

    def __iter__(self) -> Iterator[str]:
        return iter(self._update)

    def __len__(self) -> int:
        return len(self._update)


def test_layers_are_read_one_at_a_time_and_once() -> None:
    model, oracle = Counted(0), Counted(1)
    pieces = norms(model, oracle)
    next(pieces)
    assert (model.asked, oracle.asked) == (["q"], ["q"])
    next(pieces)
    assert (model.asked, oracle.asked) == (["q", "v"], ["q", "v"])


def test_a_good_value_does_not_show_that_the_model_behaves_as_the_oracle() -> None:
    """One weight in a million, 1 % off in norm, flips the sign of a read-out along it."""
    wanted = np.zeros((1000, 1000))
    wanted[0, 0], wanted[1:, 1:] = 0.01, 1e-2
    ours = wanted.copy()
    ours[0, 0] = -0.01
    both = Evidence({}, {"q": ours}), Evidence({}, {"q": wanted})
    value = measured(OracleDistance(), *both).value
    assert value is not None
    assert value < 0.01
    given = np.eye(1000)[0]
    assert np.sign(ours @ given)[0] == -np.sign(wanted @ given)[0]


def test_a_good_value_does_not_show_that_each_layer_is_near_the_oracles() -> None:
    small, large = np.full((2, 2), 1e-3), np.full((2, 2), 1.0)
    model = Evidence({}, {"q": -5 * small, "v": large})
    oracle = Evidence({}, {"q": small, "v": large})
    value = measured(FullWeightDistance(), model, oracle).value
    assert value is not None
    assert value < 0.01
    apart = [one.apart / one.oracle for one in norms(model.update or {}, oracle.update or {})]
    assert max(apart) == pytest.approx(6)


NOT_SHOWN = {
    "oracle_distance": test_a_good_value_does_not_show_that_the_model_behaves_as_the_oracle,
    "W_DIST": test_a_good_value_does_not_show_that_each_layer_is_near_the_oracles,
}
