from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from uqs.stats.noise import (
    Z,
    attenuation_ceiling,
    noise_floor,
    pair_differences,
    pair_distances,
    smallest_step,
    wilson_error,
    wilson_interval,
)


@pytest.mark.parametrize(("hits", "n"), [(0, 20), (7, 20), (20, 20), (500, 1000)])
def test_wilson_agrees_with_statsmodels(hits, n):
    low, high = proportion_confint(hits, n, method="wilson")
    ours = wilson_interval(hits / n, n)
    assert [float(end) for end in ours] == pytest.approx([low, high])
    assert float(wilson_error(hits / n, n)) == pytest.approx((high - low) / 2 / Z)


def test_the_ceiling_is_what_error_leaves_of_a_correlation():
    rng = np.random.default_rng(0)
    true, error = rng.normal(size=200_000), rng.normal(size=200_000) * 0.5
    ceiling = attenuation_ceiling(1 / 1.25, 1.0)
    assert np.corrcoef(true + error, true)[0, 1] == pytest.approx(ceiling, abs=0.01)


def test_an_unknown_reliability_counts_as_perfect():
    assert attenuation_ceiling(None, None) is None
    assert attenuation_ceiling(0.25, None) == 0.5


def test_a_pair_of_oracles_counts_once_however_often_it_was_measured():
    found = pair_distances([0, 1, 0, 2, 1], [1, 0, 2, 0, 2], [1.0, 3, 4, 4, 6])
    assert found.tolist() == [2, 4, 6]
    assert noise_floor(found) == 4


def test_the_floor_of_own_values_is_their_mean_difference_and_not_their_range():
    assert pair_differences([0.4, 0.1, 0.2]) == pytest.approx([0.1, 0.2, 0.3])
    assert noise_floor(pair_differences([0.4, 0.1, 0.2])) == pytest.approx(0.2)


def test_one_oracle_has_no_floor():
    assert noise_floor(pair_differences([0.3])) is None
    assert noise_floor(pair_differences([])) is None


def test_the_smallest_step_is_that_between_values_that_differ():
    assert smallest_step([[0.3, 0.1], [0.1 + 1e-12, 0.15]]) == pytest.approx(0.05)
    assert smallest_step([2.0, 2.0]) is None
    assert smallest_step([]) is None
