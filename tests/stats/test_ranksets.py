"""Rank sets hold the true ranks as often as they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from uqs.stats.ranksets import rank_sets, ranks, tie_groups


def coverage(truth, sd, runs, *, level, repeats, rng):
    """Share of simulated tables whose sets hold all true ranks; `sd` is (units, cells)."""
    units, cells = sd.shape
    low = 1 + (truth[None, :] > truth[:, None]).sum(axis=1)
    high = units - (truth[None, :] < truth[:, None]).sum(axis=1)
    hits = 0
    for _ in range(repeats):
        noise = sd[:, :, None] * rng.standard_normal((units, cells, runs))
        seen = truth[:, None, None] + noise
        variances = seen.var(axis=2, ddof=1) / runs / cells**2
        freedom = np.full((units, cells), runs - 1.0)
        found = rank_sets(seen.mean(axis=(1, 2)), variances, freedom, rng, level=level, draws=1000)
        hits += bool((found.low <= low).all() and (found.high >= high).all())
    return hits


@pytest.mark.parametrize(
    ("truth", "sd", "runs"),
    [
        (np.zeros(4), np.ones((4, 3)), 3),
        (np.zeros(4), np.array([[0.1, 1, 1], [1, 2, 0.1], [3, 3, 3], [0.01, 0.01, 0.01]]), 3),
        (np.array([0, 0, 1, 2.0]), np.ones((4, 3)), 3),
        (np.zeros(6), np.ones((6, 1)), 12),
    ],
    ids=["equal", "unequal noise", "some differ", "many runs"],
)
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_simultaneous_coverage_holds(truth, sd, runs, level):
    repeats = 300
    hits = coverage(truth, sd, runs, level=level, repeats=repeats, rng=np.random.default_rng(7))
    assert hits >= stats.binom.ppf(0.001, repeats, level)


def test_two_units_with_one_cell_are_welchs_null_distribution():
    """With equal variances and runs the critical value is near that of a t with 2(n - 1) degrees."""
    rng = np.random.default_rng(0)
    found = rank_sets(
        np.array([0.0, 1.0]),
        np.ones((2, 1)),
        np.full((2, 1), 5.0),
        rng,
        level=0.95,
        draws=200_000,
    )
    assert found.critical == pytest.approx(stats.t.ppf(0.975, 10), rel=0.01)


def test_known_variances_give_the_studentised_range():
    rng = np.random.default_rng(0)
    found = rank_sets(
        np.zeros(5), np.ones((5, 2)), np.full((5, 2), np.inf), rng, level=0.9, draws=200_000
    )
    expected = stats.studentized_range.ppf(0.9, 5, np.inf) / np.sqrt(2)
    assert found.critical == pytest.approx(expected, rel=0.01)


def test_clear_differences_are_seen():
    found = rank_sets(
        np.array([0.1, 0.9, 0.5]),
        np.full((3, 2), 1e-6),
        np.full((3, 2), 2.0),
        np.random.default_rng(0),
    )
    assert found.low.tolist() == found.high.tolist() == [3, 1, 2]


def test_an_unmeasured_variance_is_told_from_nothing():
    variances = np.array([[np.inf], [1e-9], [1e-9]])
    found = rank_sets(
        np.array([9.0, 2.0, 1.0]), variances, np.full((3, 1), 2.0), np.random.default_rng(0)
    )
    assert (found.low[0], found.high[0]) == (1, 3)
    assert found.above.tolist()[1] == [False, False, True]
    nothing = rank_sets(
        np.array([2.0, 1.0]),
        np.full((2, 1), np.inf),
        np.ones((2, 1)),
        np.random.default_rng(0),
    )
    assert not nothing.above.any()


def test_equal_estimates_without_noise_tie():
    found = rank_sets(
        np.array([0.5, 0.5 + 1e-16, 0.4]),
        np.zeros((3, 1)),
        np.full((3, 1), 2.0),
        np.random.default_rng(0),
    )
    assert list(zip(found.low, found.high, strict=True)) == [(1, 2), (1, 2), (3, 3)]


@given(st.permutations(range(5)), st.integers(0, 10))
@settings(max_examples=30, deadline=None)
def test_order_of_units_does_not_matter(order, seed):
    rng = np.random.default_rng(seed)
    estimates, variances = rng.random(5), rng.random((5, 3)) / 50
    freedom = np.full((5, 3), 2.0)
    straight = rank_sets(estimates, variances, freedom, np.random.default_rng(1), draws=500)
    turned = rank_sets(
        estimates[order], variances[order], freedom[order], np.random.default_rng(1), draws=500
    )
    assert straight.critical == turned.critical
    assert straight.low[order].tolist() == turned.low.tolist()
    assert straight.high[order].tolist() == turned.high.tolist()


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
