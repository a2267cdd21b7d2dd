"""Rising sequences against scikit-learn and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from uqs.stats.isotonic import pooled, reached

MEANS = st.lists(
    st.tuples(st.integers(-20, 20).map(float), st.integers(1, 5)), min_size=1, max_size=9
)


@given(MEANS)
def test_pooled_is_isotonic_regression(given):
    means, weights = (np.array(one, dtype=float) for one in zip(*given, strict=True))
    truth = IsotonicRegression().fit_transform(np.arange(len(means)), means, sample_weight=weights)
    assert pooled(means, weights) == pytest.approx(truth)


def test_reached_by_hand():
    shares, means = np.array([0, 0.25, 0.5, 1]), np.array([0, 1, 1, 2.0])
    assert reached(shares, means, 1.0) == (0.25, 0.5)
    assert reached(shares, means, 0.5) == (0.125, 0.125)
    assert reached(shares, means, 1.5) == (0.75, 0.75)
    assert reached(shares, means, -1) == (0, 0)
    assert reached(shares, means, 3) == (1, 1)
    assert reached(shares, np.array([0, 0, 1, 1.0]), 0.0) == (0, 0.25)
    assert reached(shares, np.array([0, 0, 1, 1.0]), 1.0) == (0.5, 1)


@given(MEANS.filter(lambda given: len(given) > 1), st.floats(-20, 20))
def test_what_is_reached_has_the_value(given, aim):
    means = np.sort([mean for mean, _ in given])
    shares = np.linspace(0, 1, len(means))
    first, last = reached(shares, means, aim)
    assert 0 <= first <= last <= 1
    inside = float(np.clip(aim, means[0], means[-1]))
    for one in (first, last):
        assert np.interp(one, shares, means) == pytest.approx(inside, abs=1e-6)
