"""Paired rank sets: hold when units do not differ, see what unpaired ones cannot, against SciPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from uqs.stats.paired import RunNoise, item_variances, no_runs, paired_sets


def centred(values):
    """Contributions of the entities to the mean over them."""
    return (values - values.mean(axis=1, keepdims=True)) / values.shape[1]


def test_variances_of_differences_are_those_of_paired_t_tests():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((4, 12)) + 5 * rng.standard_normal(12)
    found = item_variances(centred(values))
    for i in range(4):
        for j in range(4):
            difference = values[i] - values[j]
            expected = difference.var(ddof=1) / 12 if i != j else 0
            assert found[i, j] == pytest.approx(expected)


@pytest.mark.parametrize("size", [3, 5, 10, 60])
def test_two_units_are_compared_by_a_paired_t_test(size):
    rng = np.random.default_rng(1)
    values = rng.standard_normal((2, size))
    found = paired_sets(
        values.mean(axis=1), [centred(values)], no_runs(2), rng, level=0.9, draws=100_000
    )
    assert found.critical == pytest.approx(stats.t.ppf(0.95, size - 1), rel=0.02)


def test_runs_alone_give_the_studentised_range():
    rng = np.random.default_rng(0)
    runs = RunNoise(np.ones((5, 1)), np.array([8.0]))
    found = paired_sets(np.zeros(5), [], runs, rng, level=0.9, draws=100_000)
    expected = stats.studentized_range.ppf(0.9, 5, 8) / np.sqrt(2)
    assert found.critical == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(("units", "size"), [(4, 3), (4, 5), (10, 10), (19, 60)])
@pytest.mark.parametrize("alike", [0.0, 0.9], ids=["apart", "in threes"])
def test_units_that_do_not_differ_are_seldom_told_apart(units, size, alike):
    """All units share the entities' difficulty; some are near copies of each other."""
    rng, tables, told = np.random.default_rng(3), 150, 0
    third = np.arange(units) // 3
    for _ in range(tables):
        own = np.sqrt(1 - alike) * rng.standard_normal((units, size))
        own += np.sqrt(alike) * rng.standard_normal((units, size))[third]
        values = 3 * rng.standard_normal(size) + own
        found = paired_sets(values.mean(axis=1), [centred(values)], no_runs(units), rng, draws=1000)
        told += bool(found.above.any())
    assert told <= stats.binom.ppf(0.999, tables, 0.05)


def test_pairs_are_seen_that_unpaired_sets_cannot_see():
    """Difficulty of entities three times the noise of a method on an entity."""
    rng = np.random.default_rng(5)
    values = (
        3 * rng.standard_normal(40) + rng.standard_normal((6, 40)) + np.arange(6)[:, None] * 0.5
    )
    estimates, parts = values.mean(axis=1), centred(values)
    paired = paired_sets(estimates, [parts], no_runs(6), rng).above.sum()
    alone = RunNoise((values.var(axis=1, ddof=1) / 40)[:, None], np.array([np.inf]))
    unpaired = paired_sets(estimates, [], alone, rng).above.sum()
    assert paired >= 2.5 * unpaired


def test_groups_and_runs_add_up():
    """Two equal groups of many entities and known run noise: one normal variable a pair."""
    rng = np.random.default_rng(2)
    values = rng.standard_normal((2, 400))
    runs = RunNoise(np.full((2, 1), 1e-3), np.array([np.inf]))
    found = paired_sets(values.mean(axis=1), [centred(values)] * 2, runs, rng, draws=50_000)
    assert found.critical == pytest.approx(stats.norm.ppf(0.975), rel=0.02)


def test_what_is_not_measured_tells_nothing_apart():
    rng = np.random.default_rng(0)
    estimates = np.array([9.0, 2.0, 1.0])
    runs = RunNoise(np.array([[np.inf], [1e-9], [1e-9]]), np.array([6.0]))
    found = paired_sets(estimates, [], runs, rng)
    assert found.above.tolist() == [[False] * 3, [False, False, True], [False] * 3]
    nothing = paired_sets(estimates, [], RunNoise(np.zeros((3, 1)), np.array([2.0])), rng)
    assert not nothing.above.any()
    one_entity = paired_sets(estimates, [np.zeros((3, 1))], no_runs(3), rng)
    assert not one_entity.above.any()


def test_one_run_with_known_item_noise_tells_units_apart():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((3, 50)) + np.array([[0.0], [3.0], [6.0]])
    found = paired_sets(values.mean(axis=1), [centred(values)], no_runs(3), rng)
    assert found.low.tolist() == found.high.tolist() == [3, 2, 1]


@given(st.permutations(range(5)), st.integers(0, 10))
@settings(max_examples=20, deadline=None)
def test_order_of_units_does_not_matter(order, seed):
    rng = np.random.default_rng(seed)
    values, runs = rng.standard_normal((5, 8)), rng.random((5, 2)) / 50
    freedom = np.array([4.0, 6.0])

    def sets(at):
        return paired_sets(
            values.mean(axis=1)[at],
            [centred(values)[at]],
            RunNoise(runs[at], freedom),
            np.random.default_rng(1),
            draws=500,
        )

    straight, turned = sets(np.arange(5)), sets(np.array(order))
    assert straight.critical == pytest.approx(turned.critical, rel=1e-12)
    assert straight.low[order].tolist() == turned.low.tolist()
    assert straight.high[order].tolist() == turned.high.tolist()
