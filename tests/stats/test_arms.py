"""Swapped and drawn taus against SciPy and plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau, rankdata, zscore

from uqs.stats.arms import Places, drawn_taus, swapped_differences, swaps, taus, two_sided_p


@pytest.fixture(params=range(4))
def places(request: pytest.FixtureRequest) -> Places:
    """Three metrics of seven units, with ties and missing values."""
    rng = np.random.default_rng(request.param)
    values = np.round(rng.normal(size=(2, 3, 7)), 0 if request.param % 2 else 3)
    values[1] *= 1000
    values[0, 0, 2] = np.nan
    values[1, 2, 5] = np.nan
    return Places(*values)


def tau(x: np.ndarray, y: np.ndarray) -> float:
    return float(kendalltau(x, y).statistic)


def test_taus_are_those_of_scipy(places: Places) -> None:
    for values in (places.first, places.second):
        found = taus(values, places.known)
        for i in range(3):
            for j in range(3):
                both = places.known[i] & places.known[j]
                assert found[i, j] == pytest.approx(tau(values[i, both], values[j, both]))


def test_a_constant_metric_has_no_tau() -> None:
    values = np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 3.0]])
    found = taus(values, np.ones((2, 3), dtype=bool))
    assert np.isnan(found[0, 1]) and found[1, 1] == 1


def test_swaps_are_all_patterns_or_drawn_ones() -> None:
    rng = np.random.default_rng(0)
    every = swaps(4, 15, rng)
    assert len({tuple(one) for one in every.tolist()}) == 16 and not every[0].any()
    drawn = swaps(30, 99, rng)
    assert drawn.shape == (100, 30) and not drawn[0].any()
    assert 0.4 < drawn[1:].mean() < 0.6


def test_swapped_differences_are_those_of_a_loop(places: Places) -> None:
    some = swaps(7, 127, np.random.default_rng(1))
    found = swapped_differences(places, some)
    known = places.known
    for at in (0, 1, 5, 77, 127):
        for i, j in ((0, 1), (0, 2), (1, 2)):
            sides = []
            for own, other in ((places.first, places.second), (places.second, places.first)):
                mixed = []
                for metric in (i, j):
                    ranks = [np.zeros(7), np.zeros(7)]
                    for rank, values in zip(ranks, (own, other), strict=True):
                        x = values[metric, known[metric]]
                        rank[known[metric]] = rankdata(x) + 1e-4 * zscore(x).round(6)
                    mixed.append(np.where(some[at], ranks[1], ranks[0]))
                both = known[i] & known[j]
                sides.append(tau(mixed[0][both], mixed[1][both]))
            assert found[at, i, j] == pytest.approx(sides[0] - sides[1], nan_ok=True)


def test_all_swapped_is_the_opposite(places: Places) -> None:
    some = np.array([[False] * 7, [True] * 7])
    none, every = swapped_differences(places, some)
    np.testing.assert_allclose(every, -none, atol=1e-12)


def test_drawn_taus_are_those_of_repeated_units(places: Places) -> None:
    weights = np.random.default_rng(2).multinomial(7, np.full(7, 1 / 7), 20).astype(float)
    found = drawn_taus(places.first, places.known, weights)
    for at, weight in enumerate(weights):
        drawn = np.repeat(np.arange(7), weight.astype(int))
        for i, j in ((0, 1), (1, 2)):
            kept = [m for m in drawn if places.known[i, m] and places.known[j, m]]
            expected = tau(places.first[i, kept], places.first[j, kept]) if kept else np.nan
            assert found[at, i, j] == pytest.approx(expected, nan_ok=True)


def test_p_counts_what_lies_as_far_out() -> None:
    assert two_sided_p(np.array([0.5, -0.5, 0.4, 0.1])) == 0.5
    assert two_sided_p(np.array([0.0, -0.5, 0.4, 0.1])) == 1.0
