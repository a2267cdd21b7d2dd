"""Stability against areas and integrals that are known."""

import numpy as np
import pytest
from scipy import stats

from uqs.score.levels import Levels
from uqs.score.stability import KAPPAS, _tau_b, pareto_front, stability


def levels(rows):
    values = np.array(rows, dtype=np.float64)[None]
    return Levels(("x",), values, np.ones((1, values.shape[2]), dtype=np.bool_))


def found(rows, centre, draws=40_000):
    return stability(levels(rows), np.array(centre), np.random.default_rng(0), draws)


def test_first_shares_are_the_areas_of_weight_space():
    """Two metrics: a wins where w1 > 2/3, b where w1 < 2/3 (10 w1 against 5 w1 + 10 w2 / 3 ...)."""
    smaa = found([[1.0, 0.0], [0.5, 1.0]], [0.5, 0.5]).smaa
    assert smaa.first == pytest.approx([1 / 3, 2 / 3], abs=0.01)
    assert smaa.central[0] == pytest.approx([5 / 6, 1 / 6], abs=0.01)
    assert smaa.central[1] == pytest.approx([1 / 3, 2 / 3], abs=0.01)
    assert smaa.winning == pytest.approx(np.array([[0, 1 / 3], [2 / 3, 0]]), abs=0.01)
    assert smaa.by_rank == pytest.approx(np.array([[1 / 3, 2 / 3], [2 / 3, 1 / 3]]), abs=0.01)


def test_a_method_that_is_never_first_has_no_central_weights():
    smaa = found([[1.0, 1.0], [0.5, 0.5], [0.9, 0.2]], [0.5, 0.5], 200).smaa
    assert smaa.first.tolist() == [1, 0, 0]
    assert np.isnan(smaa.central[1]).all()


def test_tied_methods_share_the_first_rank():
    smaa = found([[0.4, 0.6], [0.4, 0.6], [0.1, 0.1]], [0.5, 0.5], 500).smaa
    assert smaa.first == pytest.approx([0.5, 0.5, 0])
    assert smaa.by_rank[:, 0].tolist() == [1, 1, 0]
    assert smaa.winning[0, 1] == 0


def test_rank_acceptability_sums_to_one_for_each_method():
    rows = np.random.default_rng(0).random((6, 5))
    smaa = found(rows, [0.2] * 5, 2000).smaa
    assert smaa.by_rank.sum(axis=1) == pytest.approx(1)
    assert smaa.by_rank.sum(axis=0) == pytest.approx(1)
    assert smaa.first == pytest.approx(smaa.by_rank[:, 0])


def test_the_local_curve_rises_to_one():
    rows = np.random.default_rng(3).random((6, 5))
    local = found(rows, [0.2] * 5, 4000).local
    taus = [one.mean_tau for one in local]
    assert [one.kappa for one in local] == list(KAPPAS)
    assert taus == sorted(taus)
    assert taus[-1] > 0.9
    assert all(one.weight_sd == pytest.approx(0.4 / np.sqrt(one.kappa + 1)) for one in local)


def test_all_weight_on_one_metric_stays_there():
    local = found([[1.0, 0.0], [0.0, 1.0]], [1.0, 0.0], 100).local
    assert all(one.mean_tau == 1 and one.same_first == 1 for one in local)


def test_without_a_ranking_tau_is_undefined():
    local = found([[0.5, 0.5], [0.5, 0.5]], [0.5, 0.5], 100).local
    assert all(one.mean_tau is None for one in local)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[1, 0], [0, 1], [0.4, 0.4]], [True, True, True]),
        ([[1, 0], [0, 1], [0, 0.9]], [True, True, False]),
        ([[0.5, 0.5], [0.5, 0.5]], [True, True]),
        ([[0.5, 0.5], [0.5, 0.6]], [False, True]),
    ],
)
def test_pareto_front(rows, expected):
    assert pareto_front(levels(rows)).tolist() == expected


def test_tau_of_many_rankings_is_scipys():
    rng = np.random.default_rng(0)
    many, one = rng.integers(1, 5, (50, 6)), rng.integers(1, 5, 6)
    expected = [stats.kendalltau(row, one).statistic for row in many]
    assert _tau_b(many, one) == pytest.approx(expected)
    assert np.isnan(_tau_b(np.ones((1, 6), dtype=np.int64), one)).all()
