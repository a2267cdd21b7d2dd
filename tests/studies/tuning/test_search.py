from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uqs.methods.cards.card import TunedHyperparameter
from uqs.studies.tuning.search import TrialResult, best, first_round, next_round

TARGETS = (0.75, 0.45, 0.15)


def gave(forget: float | None, retain: float | None = 1.0) -> TrialResult:
    return TrialResult({"a": forget}, {"a": retain})


def search(curve: Callable[[float], float | None], trials: int) -> dict[float, TrialResult]:
    tried: dict[float, TrialResult] = {}
    asked = first_round(TunedHyperparameter(), trials)
    rounds = 0
    while asked:
        tried.update({value: gave(curve(value)) for value in asked})
        asked = next_round(tried, TARGETS, trials)
        rounds += 1
        assert rounds < 50
    return tried


def test_the_first_round_covers_the_range_evenly_on_a_log_scale() -> None:
    assert first_round(TunedHyperparameter("lr", 1e-5, 1e-2), 10) == [1e-5, 1e-4, 1e-3, 1e-2]
    assert first_round(TunedHyperparameter("lr", 1e-5, 1e-2), 2) == [1e-5, 1e-2]


def sigmoid(middle: float, steep: float) -> Callable[[float], float]:
    return lambda value: 1 / (1 + math.exp(min(50, steep * math.log10(value / middle))))


@given(st.floats(2e-5, 5e-3), st.floats(2, 12), st.integers(4, 14), st.booleans())
def test_every_search_spends_the_same_budget_within_the_range(
    middle: float, steep: float, trials: int, dies: bool
) -> None:
    curve = sigmoid(middle, steep)
    tried = search(lambda v: None if dies and v > middle else curve(v), trials)
    assert len(tried) == trials
    assert all(1e-5 <= value <= 1e-2 for value in tried)


@given(st.floats(5e-5, 2e-3), st.floats(2, 5))
def test_it_comes_near_targets_that_can_be_reached(middle: float, steep: float) -> None:
    tried = search(sigmoid(middle, steep), 10)
    for target in TARGETS:
        value = best(tried, target, 0.1)
        assert value is not None
        assert tried[value].distance(target) < 0.1


def test_a_method_that_never_forgets_still_spends_its_trials() -> None:
    tried = search(lambda _: 0.97, 10)
    assert len(tried) == 10


def test_the_distance_is_a_mean_over_benchmarks_not_of_means() -> None:
    split = TrialResult({"a": 1.0, "b": 0.0}, {"a": 1.0, "b": 1.0})
    assert split.mean_forget == 0.5
    assert split.distance(0.5) == 0.5
    assert TrialResult({"a": 0.7, "b": 0.4}, {}).distance(0.45) == pytest.approx((0.25 + 0.05) / 2)


def test_among_equals_more_of_retain_is_kept_then_less_is_turned() -> None:
    tried = {1.0: gave(0.4, 0.5), 2.0: gave(0.5, 0.9), 3.0: gave(0.4, 0.5)}
    assert best(tried, 0.45, 0.15) == 2.0
    assert best({3.0: gave(0.4, 0.5), 1.0: gave(0.4, 0.5)}, 0.45, 0.15) == 1.0


def test_a_collapsed_trial_is_never_chosen() -> None:
    tried = {1.0: gave(0.9), 2.0: gave(None, None)}
    assert best(tried, 0.0, 1.0) == 1.0
    assert best({2.0: gave(None, None)}, 0.0, 1.0) is None
    assert math.isinf(tried[2.0].distance(0.0))


def test_a_target_that_no_trial_came_near_has_no_value() -> None:
    tried = {1e-4: gave(0.95), 1e-3: gave(0.9)}
    assert best(tried, 0.15, 0.15) is None
    assert best(tried, 0.75, 0.15) == 1e-3  # 0.15 off, as far as may be
    assert best(tried, 0.74, 0.15) is None
    uneven = {1.0: TrialResult({"a": 0.95, "b": 0.35}, {"a": 1.0, "b": 1.0})}
    assert best(uneven, 0.65, 0.15) is None  # right as a mean, and on no benchmark
