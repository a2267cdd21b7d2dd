"""Ranks are SciPy's; groups hold no two units that are told apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from uqs.stats.ranksets import ranks, tie_groups


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8))
def test_ranks_are_scipys(values):
    array = np.array(values, dtype=np.float64)
    expected = stats.rankdata(-array, method="min")
    assert ranks(array).tolist() == expected.tolist()
    assert ranks(np.stack([array, array])).tolist() == [expected.tolist()] * 2


def told(size, *pairs):
    """The matrix in which the first of each pair is above the second."""
    found = np.zeros((size, size), dtype=bool)
    for i, j in pairs:
        found[i, j] = True
    return found


@pytest.mark.parametrize(
    ("estimates", "pairs", "groups"),
    [
        ([3, 2, 1], [(0, 2)], [1, 1, 2]),
        ([3, 2, 1], [], [1, 1, 1]),
        ([1, 2, 3], [(2, 0), (1, 0), (2, 1)], [3, 2, 1]),
        # a chain: each is like the next, and no more
        ([5, 4, 3, 2, 1], [(0, 2), (0, 3), (0, 4), (1, 3), (1, 4), (2, 4)], [1, 1, 2, 2, 3]),
        # the best has a large error and is like all; the others are told apart all the same
        ([5, 4, 1], [(1, 2)], [1, 1, 2]),
        # the last has a large error and is like all
        ([5, 3, 1], [(0, 1)], [1, 2, 1]),
        # of two equals the one that is told from more is the anchor
        ([5, 5, 1], [(1, 2)], [1, 1, 2]),
    ],
)
def test_tie_groups_by_hand(estimates, pairs, groups):
    found = tie_groups(np.array(estimates, dtype=float), told(len(estimates), *pairs))
    assert found.tolist() == groups


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.booleans())
def test_tie_groups_hold_no_two_that_are_told_apart(seed, units, one_error):
    rng = np.random.default_rng(seed)
    estimates = rng.integers(0, 12, units) / 2
    variances = np.full(units, 0.5) if one_error else rng.gamma(1, 1, units)
    error = np.sqrt(variances[:, None] + variances)
    above = estimates[:, None] - estimates > 2 * error
    found = tie_groups(estimates, above)
    assert sorted(set(found.tolist())) == list(range(1, found.max() + 1))
    for group in range(1, found.max() + 1):
        members = np.flatnonzero(found == group)
        assert not above[np.ix_(members, members)].any()
        best = members[np.argmax(estimates[members])]
        for later in range(group + 1, found.max() + 1):
            others = np.flatnonzero(found == later)
            next_best = others[np.argmax(estimates[others])]
            assert (above | above.T)[next_best, members].any()
            if one_error:
                assert above[best, next_best]
        if one_error:
            left = np.flatnonzero(found >= group)
            assert members.tolist() == [unit for unit in left if not above[best, unit]]


@given(st.permutations(range(6)), st.integers(0, 1000))
def test_tie_groups_do_not_depend_on_the_order_of_units(order, seed):
    rng = np.random.default_rng(seed)
    estimates, variances = rng.integers(0, 6, 6) / 2, rng.gamma(1, 1, 6)
    above = estimates[:, None] - estimates > np.sqrt(variances[:, None] + variances)
    straight = tie_groups(estimates, above)
    assert (
        tie_groups(estimates[order], above[np.ix_(order, order)]).tolist()
        == straight[order].tolist()
    )
