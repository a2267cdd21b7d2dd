"""Spread within rungs, and when a ladder may lend it."""

from __future__ import annotations

import numpy as np
import pytest

from uqs.stats.spread import Spread, may_pool, pooled, within_rungs


def test_within_rungs_is_the_error_of_an_analysis_of_variance() -> None:
    from statsmodels.api import OLS

    rng = np.random.default_rng(0)
    rungs = [rng.normal(3 * at, 1, size) for at, size in enumerate((3, 2, 5, 1))]
    found = within_rungs(rungs)
    at = np.repeat(np.arange(4), [len(rung) for rung in rungs])
    fit = OLS(np.concatenate(rungs), np.eye(4)[at]).fit()
    assert found is not None
    assert (found.variance, found.freedom) == (pytest.approx(fit.mse_resid), fit.df_resid)
    assert within_rungs([np.array([1.0]), np.array([2.0])]) is None


def test_pooled_by_hand() -> None:
    assert pooled(Spread(4.0, 2), Spread(1.0, 8)) == Spread(1.6, 10)


@pytest.mark.parametrize(
    ("oracles", "ladders", "expected"),
    [
        ([1.0], [1.0], [True]),
        ([0.1], [1.0], [True]),  # a ladder that scatters more makes the test cautious
        ([9.0], [1.0], [False]),
        ([2.4, 2.4, 2.4], [1.0, 1.0, 1.0], [False] * 3),  # each for itself would do
        ([9.0, 0.2, 0.2], [1.0, 1.0, 1.0], [False, True, True]),
        ([1.0], [0.0], [False]),
        ([0.0], [0.0], [False]),
    ],
)
def test_a_ladder_lends_where_oracles_do_not_scatter_more(
    oracles: list[float], ladders: list[float], expected: list[bool]
) -> None:
    found = may_pool([Spread(one, 2) for one in oracles], [Spread(one, 8) for one in ladders])
    assert found == expected


def test_a_short_ladder_lends_nothing() -> None:
    assert may_pool([Spread(1.0, 2)], [Spread(1.0, 3)]) == [False]
    assert may_pool([Spread(1.0, 2)] * 2, [Spread(1.0, 3), Spread(1.0, 8)]) == [False, True]
    assert may_pool([], []) == []


def test_equal_spread_is_pooled_about_as_often_as_the_level_says() -> None:
    rng = np.random.default_rng(1)
    may = [
        may_pool(
            [Spread(rng.chisquare(2) / 2, 2) for _ in range(3)],
            [Spread(rng.chisquare(8) / 8, 8) for _ in range(3)],
        )
        for _ in range(2000)
    ]
    assert np.any(may, axis=1).mean() == pytest.approx(0.8, abs=0.03)
    assert np.mean(may) == pytest.approx(0.765, abs=0.03)
