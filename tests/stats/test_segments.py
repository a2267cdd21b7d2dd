"""Segments within a margin, by hand and by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uqs.stats.segments import reached, within

NUMBERS = st.lists(st.tuples(st.integers(-9, 9), st.integers(1, 5)), min_size=2, max_size=6)


def test_by_hand():
    at = np.array([0, 0.5, 1])
    assert within(at, np.array([-2.0, 0, 2]), np.ones(3)) == (0.25, 0.75)
    assert within(at, np.array([-2.0, -1.5, 2]), np.ones(3)) == pytest.approx((4 / 7, 6 / 7))
    assert within(at, np.array([2.0, 3, 4]), np.ones(3)) is None
    assert within(at, np.array([0.0, 0, 0]), np.ones(3)) == (0, 1)
    # the margin grows to 3 at the end
    assert within(at, np.array([2.0, 2, 2]), np.array([1.0, 1, 3])) == (0.75, 1)


@given(NUMBERS)
def test_by_brute_force(given):
    offsets, margins = (np.array(one, dtype=float) for one in zip(*given, strict=True))
    at = np.linspace(0, 1, len(given))
    fine = np.linspace(0, 1, 60_001)
    held = fine[np.abs(np.interp(fine, at, offsets)) <= np.interp(fine, at, margins) + 1e-9]
    found = within(at, offsets, margins)
    if found is None:
        assert not len(held)
    elif len(held):
        assert found == pytest.approx((held[0], held[-1]), abs=1e-4)


def test_reached_by_hand():
    shares, means = np.array([0, 0.25, 0.5, 1]), np.array([0, 1, 1, 2.0])
    assert reached(shares, means, 1.0) == (0.25, 0.5)
    assert reached(shares, means, 0.5) == (0.125, 0.125)
    assert reached(shares, means, 1.5) == (0.75, 0.75)
    assert reached(shares, means, -1) == (0, 0)
    assert reached(shares, means, 3) == (1, 1)
    assert reached(shares, np.array([0, 0, 1, 1.0]), 0.0) == (0, 0.25)
    assert reached(shares, np.array([0, 0, 1, 1.0]), 1.0) == (0.5, 1)


@given(st.lists(st.integers(-20, 20), min_size=2, max_size=9), st.floats(-20, 20))
def test_what_is_reached_has_the_value(given, aim):
    means = np.sort(np.array(given, dtype=float))
    shares = np.linspace(0, 1, len(means))
    first, last = reached(shares, means, aim)
    assert 0 <= first <= last <= 1
    inside = float(np.clip(aim, means[0], means[-1]))
    for one in (first, last):
        assert np.interp(one, shares, means) == pytest.approx(inside, abs=1e-6)
