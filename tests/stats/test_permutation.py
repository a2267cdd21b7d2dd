from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from scipy.stats import kendalltau

from uqs.stats.permutation import Null, arrangements, balances, combine, orders, products

RNG = np.random.default_rng


def test_all_orders_of_equal_blocks_and_only_those():
    blocks = np.array([0, 0, 1, 1, 2])
    assert arrangements(blocks) == 2
    assert orders(blocks, None, RNG(0)).tolist() == [[0, 1, 2, 3, 4], [2, 3, 0, 1, 4]]
    four = np.repeat(np.arange(4), 3)
    every = orders(four, None, RNG(0))
    assert arrangements(four) == len(every) == len({tuple(row) for row in every}) == 24
    assert every[0].tolist() == list(range(12))
    for row in every:
        assert all((np.diff(block) == 1).all() for block in row.reshape(4, 3))


def test_blocks_need_not_stand_together():
    every = orders(np.array([0, 1, 0, 1]), None, RNG(0))
    assert every.tolist() == [[0, 1, 2, 3], [1, 0, 3, 2]]


def test_drawn_orders_are_uniform():
    drawn = orders(np.repeat(np.arange(3), 2), 6000, RNG(0))[1:]
    _, counts = np.unique(drawn, axis=0, return_counts=True)
    assert len(counts) == 6
    assert abs(counts - 1000).max() < 5 * np.sqrt(1000)


def test_kernels_agree_with_scipy_in_every_order():
    rng = RNG(1)
    x, y = rng.integers(0, 4, (2, 6)).astype(float), rng.normal(size=(3, 6))
    every = orders(np.repeat(np.arange(3), 2), None, rng)
    balance, product_ = balances(x, y, every), products(x, y, every)
    for at, order in enumerate(every):
        for k in range(2):
            for i in range(3):
                moved = y[i][order]
                slow = sum(
                    np.sign(x[k, a] - x[k, b]) * np.sign(moved[a] - moved[b])
                    for a in range(6)
                    for b in range(a)
                )
                assert balance[at, k, i] == slow
                assert product_[at, k, i] == pytest.approx(x[k] @ moved)


def test_exact_p_agrees_with_brute_force():
    rng = RNG(2)
    tables = [(rng.normal(size=4), rng.normal(size=4)) for _ in range(2)]
    parts = [
        Null(
            balances(x[None], y[None], orders(np.arange(4), None, rng))[:, 0, 0] / 6,
            exhaustive=True,
        )
        for x, y in tables
    ]
    test = combine(parts, 100, rng)
    slow = [
        sum(
            kendalltau(x, y[list(order)]).statistic
            for (x, y), order in zip(tables, pick, strict=True)
        )
        for pick in product(permutations(range(4)), repeat=2)
    ]
    distance = np.abs(np.array(slow) - np.mean(slow))
    assert test.exact
    assert test.arrangements == 576
    assert test.p == pytest.approx(np.mean(distance >= distance[0] - 1e-9))
    assert test.mean == pytest.approx(np.mean(slow))


def test_sampled_p_is_close_to_the_exact_one_and_never_zero():
    rng = RNG(3)
    x = np.arange(7.0)
    y = np.array([1.0, 0, 2, 3, 6, 4, 5])
    exact = combine(
        [Null(balances(x[None], y[None], orders(np.arange(7), None, rng))[:, 0, 0], True)], 1, rng
    )
    drawn = combine(
        [Null(balances(x[None], y[None], orders(np.arange(7), 20000, rng))[:, 0, 0], False)],
        20000,
        rng,
    )
    assert not drawn.exact
    assert drawn.p == pytest.approx(exact.p, abs=5 * np.sqrt(exact.p / 20000))
    assert drawn.p >= 1 / 20001


def test_a_mixture_of_enumerated_and_drawn_strata():
    rng = RNG(4)
    part = Null(np.array([1.0, -1.0]), True)
    other = Null(np.r_[1.0, rng.normal(size=500)], False)
    test = combine([part, other], 500, rng)
    assert not test.exact
    assert test.arrangements == 501
