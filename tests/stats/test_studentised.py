from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import studentized_range, t

from uqs.stats.studentised import range_beyond, studentised_range


@pytest.mark.parametrize(
    ("level", "groups", "freedom"),
    [(0.95, 4, 3.0), (0.95, 19, 21.7), (0.99, 3, 1.0), (0.5, 19, 18.0), (0.95, 57, np.inf)],
)
def test_quantiles_are_scipys(level, groups, freedom):
    expected = studentized_range.ppf(level, groups, freedom)
    assert studentised_range(level, groups, freedom) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("freedom", [1.0, 2.5, 200.0])
def test_two_groups_are_students_t(freedom):
    expected = np.sqrt(2) * t.ppf(0.975, freedom)
    assert studentised_range(0.95, 2, freedom) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("level", "groups", "freedom"),
    [(0.95, 1, 3.0), (1.0, 3, 3.0), (0.95, 3, 0.5), (0.95, 3, np.nan)],
)
def test_what_has_no_range(level, groups, freedom):
    with pytest.raises(ValueError, match="no studentised range"):
        studentised_range(level, groups, freedom)


@pytest.mark.parametrize("groups", [2, 3, 19, 57])
def test_the_range_of_known_spread_is_scipys(groups):
    width = np.array([[0.0, 0.5, 2.0], [3.3, 5.0, 9.0]])
    expected = studentized_range.sf(width, groups, np.inf)
    np.testing.assert_allclose(range_beyond(width, groups), expected, rtol=1e-6, atol=1e-11)
