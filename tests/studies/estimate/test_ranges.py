from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uqs.studies.estimate.ranges import NONE, Range, largest, total

positive = st.floats(0.1, 1e6)


@given(*[positive] * 6)
def test_bounds_hold_whatever_lies_between(a, b, c, d, s, t):
    one, other = Range(min(a, b), max(a, b)), Range(min(c, d), max(c, d))
    x = one.low + (one.high - one.low) * (s / 1e6)
    y = other.low + (other.high - other.low) * (t / 1e6)
    for found, value in ((one + other, x + y), (one * other, x * y), (one.over(other), x / y)):
        assert found.low * (1 - 1e-9) <= value <= found.high * (1 + 1e-9)


def test_sums_and_the_largest():
    some = [Range(1, 5), Range(2, 3)]
    assert total(some) == Range(3, 8)
    assert largest(some) == Range(2, 5)
    assert total([]) == largest([]) == NONE
    assert 2.0 * Range(1, 5) == Range(1, 5) * 2 == Range(2, 10)


def test_timings():
    # mean 2, standard deviation 1, two standard errors of three: 2 / sqrt(3)
    found = Range.timed([1.0, 2.0, 3.0])
    assert found.low == pytest.approx(2 - 2 / math.sqrt(3))
    assert found.high == pytest.approx(2 + 2 / math.sqrt(3))
    assert Range.timed([10.0]) == Range(8.0, 12.0)
    assert Range.timed([0.0, 0.0, 9.0]).low == 0.0


@pytest.mark.parametrize("bounds", [(2, 1), (0, math.inf), (math.nan, 1)])
def test_what_is_no_range(bounds):
    with pytest.raises(ValueError, match=r"above|no range"):
        Range(*bounds)
