from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import kendalltau

from uqs.stats import permutation
from uqs.stats.permutation import alike, arrangements, exchanges, two_sided

RNG = np.random.default_rng


def rows_of(found, count):
    return found.rows(slice(None), np.arange(count))


def test_whole_methods_move_together_on_all_benchmarks():
    methods = np.array([0, 0, 1, 1, 0, 0, 1, 1])
    places = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    found = exchanges(methods, places, None, RNG(0))
    assert arrangements(methods, places) == len(found.donors) == 2
    assert rows_of(found, 8).tolist() == [[*range(8)], [2, 3, 0, 1, 6, 7, 4, 5]]


def test_every_arrangement_of_four_methods_once_and_the_given_one_first():
    methods = np.tile(np.repeat(np.arange(4), 3), 2)
    places = np.repeat([0, 1], 12)
    found = exchanges(methods, places, None, RNG(0))
    every = rows_of(found, 24)
    assert arrangements(methods, places) == len({tuple(row) for row in every}) == 24
    assert every[0].tolist() == list(range(24))
    for row in every:
        first, second = (part.reshape(4, 3) for part in np.split(row, 2))
        assert (np.diff(first) == 1).all()
        assert (second - first == 12).all()


def test_rows_need_not_stand_together_and_keep_their_seed_order():
    methods, places = np.array([0, 1, 0, 1]), np.zeros(4, dtype=int)
    found = exchanges(methods, places, None, RNG(0))
    assert rows_of(found, 4).tolist() == [[0, 1, 2, 3], [1, 0, 3, 2]]


def test_only_methods_with_rows_at_the_same_places_are_exchanged():
    methods = np.array([0, 0, 1, 1, 2])
    places = np.array([0, 1, 0, 1, 0])
    assert [group.tolist() for group in alike(methods, places)] == [[2], [0, 1]]
    found = exchanges(methods, places, None, RNG(0))
    assert rows_of(found, 5).tolist() == [[0, 1, 2, 3, 4], [2, 3, 0, 1, 4]]


def test_a_method_with_fewer_seeds_repeats_them_in_turn():
    methods, places = np.array([0, 0, 0, 1, 1]), np.zeros(5, dtype=int)
    found = exchanges(methods, places, None, RNG(0))
    assert rows_of(found, 5).tolist() == [[0, 1, 2, 3, 4], [3, 4, 3, 0, 1]]


def test_drawn_arrangements_are_uniform():
    methods, places = np.repeat(np.arange(3), 2), np.zeros(6, dtype=int)
    drawn = exchanges(methods, places, 6000, RNG(0)).donors[1:]
    _, counts = np.unique(drawn, axis=0, return_counts=True)
    assert len(counts) == 6
    assert abs(counts - 1000).max() < 5 * np.sqrt(1000)


@pytest.mark.parametrize("seed", range(4))
def test_statistics_agree_with_a_slow_loop_in_every_arrangement(seed):
    """Unequal seeds, a method without a benchmark, ties; on all rows and on those of one benchmark."""
    rng = RNG(seed)
    methods = np.array([0, 0, 1, 1, 2, 0, 1, 3, 3, 2, 0, 2])
    places = np.array([0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0])
    x, y = rng.integers(0, 4, 12).astype(float), rng.normal(size=12)
    found = exchanges(methods, places, None, rng)
    for rows in (np.arange(12), np.flatnonzero(places == 1)):
        part = found.within(rows)
        balance = part.balances(x, y)
        product_ = np.concatenate([found for _, found in part.products(x[None], y[None])])[:, 0, 0]
        for at, order in enumerate(found.rows(slice(None), rows)):
            slow = sum(
                np.sign(x[rows[a]] - x[rows[b]]) * np.sign(y[order[a]] - y[order[b]])
                for a in range(len(rows))
                for b in range(a)
            )
            assert balance[at] == pytest.approx(slow)
            assert product_[at] == pytest.approx(x[rows] @ y[order])


def test_many_arrangements_in_chunks(monkeypatch):
    rng = RNG(5)
    x, y = rng.normal(size=(2, 3, 10))
    found = exchanges(np.tile(np.arange(5), 2), np.repeat([0, 1], 5), 300, rng)
    whole = found.balances(x[0], y[0])
    ((_, products),) = found.products(x, y)
    monkeypatch.setattr(permutation, "CHUNK", 40)
    assert (found.balances(x[0], y[0]) == whole).all()
    parts = list(found.products(x, y))
    assert len(parts) > 1
    assert np.concatenate([part for _, part in parts]) == pytest.approx(products)


def test_exact_p_agrees_with_brute_force():
    rng = RNG(2)
    x, y = rng.normal(size=(2, 5))
    found = exchanges(np.arange(5), np.zeros(5, dtype=int), None, rng)
    test = two_sided(found.balances(x, y) / 10, exact=True)
    slow = np.array([kendalltau(x, y[list(order)]).statistic for order in permutations(range(5))])
    distance = np.abs(slow - slow.mean())
    assert test.arrangements == 120
    assert test.p == pytest.approx(np.mean(distance >= distance[0] - 1e-9))
    assert test.mean == pytest.approx(slow.mean())


def test_sampled_p_is_close_to_the_exact_one_and_never_zero():
    rng = RNG(3)
    x = np.arange(7.0)
    y = np.array([1.0, 0, 2, 3, 6, 4, 5])

    def p(draws):
        found = exchanges(np.arange(7), np.zeros(7, dtype=int), draws, rng)
        return two_sided(found.balances(x, y), exact=draws is None).p

    exact, drawn = p(None), p(20000)
    assert drawn == pytest.approx(exact, abs=5 * np.sqrt(exact / 20000))
    assert drawn >= 1 / 20001
