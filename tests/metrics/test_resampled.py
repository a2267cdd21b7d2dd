from __future__ import annotations

import numpy as np
import pytest

from uqs.metrics.resampled import clustered_ratio, jackknife_error


def test_the_ratio_of_equal_sides_is_exact() -> None:
    values = np.array([1.0, 2.0, 4.0, 3.0])
    found = clustered_ratio(3 * values, values, ["a", "a", "b", "b"])
    assert [found.value, found.se, found.n] == pytest.approx([3, 0, 4])


def test_the_ratio_error_by_hand() -> None:
    """Ratio 2; residuals 1 - 2 = -1, 3 - 2 = 1 of two clusters: sqrt(2 * 2) / 2 / 1."""
    found = clustered_ratio(np.array([1.0, 3.0]), np.array([1.0, 1.0]), ["a", "b"])
    assert [found.value, found.se] == pytest.approx([2, 1])
    assert clustered_ratio(np.ones(2), np.ones(2), ["a", "a"]).se is None


def test_the_jackknife_of_a_mean_is_its_usual_standard_error() -> None:
    values = np.random.default_rng(0).normal(size=12)
    left_out = np.array([np.delete(values, i).mean() for i in range(12)])
    assert jackknife_error(left_out) == pytest.approx(values.std(ddof=1) / np.sqrt(12))


def test_no_jackknife_of_one_value_or_of_what_is_no_number() -> None:
    assert jackknife_error(np.array([1.0])) is None
    assert jackknife_error(np.array([1.0, np.nan, 2.0])) is None
