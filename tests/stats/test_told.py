"""One more oracle: by hand, against SciPy, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import cdist

from uqs.stats.dunnett import dunnett_p
from uqs.stats.spread import Spread
from uqs.stats.told import complete, first_ends, of_distances, of_values, students_t

Array = np.ndarray


def distances(vectors: Array, oracles: int, power: int = 1) -> tuple[Array, Array]:
    found = cdist(vectors, vectors[:oracles]) ** power
    return found[oracles:], found[:oracles]


def test_values_by_hand() -> None:
    sample = of_values(np.array([0.5, 0.2]), np.array([0.1, 0.2, 0.3]))
    found = students_t(sample)
    assert found is not None
    assert found.statistic == pytest.approx([0.3 / (0.1 * np.sqrt(4 / 3)), 0])
    assert found.p == pytest.approx(2 * stats.t(2).sf(np.abs(found.statistic)))
    assert sample.by_rank.tolist() == [1 / 4, 1.0]


def test_one_value_is_scipys_test_of_two_samples() -> None:
    oracles = np.array([0.12, 0.2, 0.31, 0.25])
    found = students_t(of_values(np.array([0.6]), oracles))
    expected = stats.ttest_ind([0.6], oracles)
    assert found is not None
    assert (found.statistic[0], found.p[0]) == pytest.approx((expected.statistic, expected.pvalue))
    assert found.p_adjusted == pytest.approx(found.p)


def test_distances_by_hand() -> None:
    """Symmetric: t = (D0 - mean D) / (S_D (K - 1) / (K - 2) sqrt(1 + 1 / K))."""
    between = np.array([[0, 1.0, 2, 4], [1, 0, 5, 6], [2, 5, 0, 7], [4, 6, 7, 0]])
    sample = of_distances(np.array([[8.0, 9, 10, 12]]), between)
    means = between.sum(axis=1) / 3
    expected = (9.75 - means.mean()) / (means.std(ddof=1) * 3 / 2 * np.sqrt(5 / 4))
    found = students_t(sample)
    assert found is not None
    assert found.statistic[0] == pytest.approx(expected)
    assert found.p[0] == pytest.approx(stats.t(3).sf(expected))
    assert sample.by_rank[0] == 1 / 5


@given(
    st.integers(3, 8).flatmap(
        lambda k: st.tuples(*[st.lists(st.floats(-3, 3), min_size=k, max_size=k)] * 2)
    )
)
def test_first_ends_are_exact_for_sums_of_two_ends(ends: tuple[list[float], list[float]]) -> None:
    first, second = map(np.array, ends)
    between = first[:, None] + second
    np.fill_diagonal(between, 0)
    assert first_ends(between) == pytest.approx(first + second.mean(), abs=1e-9)


def test_a_distance_relative_to_the_oracle_is_a_product_of_two_ends() -> None:
    """Divided by a size of the oracle: its logarithms lose that size, and the test does not change."""
    rng = np.random.default_rng(0)
    models, between = distances(rng.normal(size=(6, 5)), 4)
    size = rng.lognormal(size=4)
    plain = students_t(of_distances(models, between, log=True))
    relative = students_t(of_distances(models / size, between / size, log=True))
    assert plain is not None
    assert relative is not None
    assert relative.statistic == pytest.approx(plain.statistic)


def test_the_diagonal_does_not_count_and_order_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    models, between = distances(rng.normal(size=(7, 4)), 5)
    expected = students_t(of_distances(models, between, log=True))
    order = rng.permutation(5)
    np.fill_diagonal(between, np.nan)
    found = students_t(of_distances(models[:, order], between[np.ix_(order, order)], log=True))
    assert expected is not None
    assert found is not None
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p_adjusted == pytest.approx(expected.p_adjusted)


@given(st.integers(3, 8), st.integers(0, 2**32 - 1))
def test_a_p_by_rank_is_never_under_one_over_all(oracles: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    models, between = distances(
        rng.normal(size=(oracles + 4, 3)) * rng.lognormal(size=(oracles + 4, 1)), oracles
    )
    for sample in (
        of_distances(models, between),
        of_values(rng.normal(size=4), rng.normal(size=oracles)),
    ):
        assert (sample.by_rank >= 1 / (oracles + 1) - 1e-12).all()
        assert (sample.by_rank <= 1).all()


def test_a_p_by_rank_is_right_whatever_the_distribution() -> None:
    rng = np.random.default_rng(5)
    below = {"values": 0, "distances": 0}
    for _ in range(2000):
        vectors = rng.standard_t(1.5, size=(10, 3))
        below["values"] += of_values(vectors[9:, 0], vectors[:9, 0]).by_rank[0] <= 0.1
        below["distances"] += of_distances(*distances(vectors, 9)).by_rank[0] <= 0.1
    assert below["values"] / 2000 == pytest.approx(0.1, abs=0.025)
    assert below["distances"] / 2000 == pytest.approx(0.1, abs=0.025)


def test_rounded_values_that_agree_hide_half_a_step() -> None:
    sample = of_values(np.array([0.25]), np.array([0.2, 0.2, 0.2]), step=0.05)
    assert sample.spread.variance == pytest.approx(0.025**2)
    assert students_t(of_values(np.array([0.25]), np.array([0.2, 0.2, 0.2]))) is None


def test_a_pooled_spread_and_a_larger_family_count() -> None:
    sample = of_values(np.array([0.5, 0.2]), np.array([0.1, 0.2, 0.3]))
    found = students_t(sample, Spread(0.04, 10), family=19)
    assert found is not None
    assert found.freedom == 10
    assert found.statistic[0] == pytest.approx(0.3 / (0.2 * np.sqrt(4 / 3)))
    assert found.p[0] == pytest.approx(2 * stats.t(10).sf(found.statistic[0]))
    expected = dunnett_p(found.statistic, 19, 3, 10, two_sided=True)
    assert found.p_adjusted == pytest.approx(expected)


def test_two_oracles_tell_nothing() -> None:
    with pytest.raises(ValueError, match="2 oracles tell nothing"):
        of_values(np.zeros(1), np.zeros(2))
    with pytest.raises(ValueError, match="3 are needed"):
        of_distances(np.zeros((1, 2)), np.zeros((2, 2)))


def test_the_oracles_between_which_all_is_known_are_kept() -> None:
    between = np.array([[np.nan, 1, np.nan], [2, np.nan, 3], [np.nan, np.nan, np.nan]])
    found, kept = complete(between)
    assert kept.tolist() == [0, 1]
    assert found[0, 1] == 1
    assert found[1, 0] == 2
    both, every = complete(np.array([[np.nan, 1], [np.nan, np.nan]]))
    assert every.tolist() == [0, 1]
    assert both[1, 0] == 1
    assert complete(np.zeros((0, 0)))[1].tolist() == []


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("oracles", [3, 5, 10])
def test_size_of_distances_that_share_oracles(oracles: int, power: int) -> None:
    """Of vectors in 50 dimensions; at most the nominal 5%, and not idle."""
    rng, hits = np.random.default_rng(6), []
    for _ in range(600):
        vectors = rng.normal(size=(oracles + 5, 50))
        found = students_t(of_distances(*distances(vectors, oracles, power), log=True))
        assert found is not None
        hits.append(((found.p <= 0.05).mean(), (found.p_adjusted <= 0.05).any()))
    alone, together = np.mean(hits, axis=0)
    assert 0.02 < alone < 0.065
    assert 0.01 < together < 0.07
