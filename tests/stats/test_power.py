from __future__ import annotations

import numpy as np
import pytest

from uqs.stats.permutation import LIMIT, Null, balances, combine, orders
from uqs.stats.power import detectable_tau, smallest_p


def test_smallest_p_is_what_perfect_agreement_gets():
    rng = np.random.default_rng(0)
    x = np.arange(5.0)[None]
    null = Null(balances(x, x, orders(np.arange(5), None, rng))[:, 0, 0], True)
    assert smallest_p(120, 10, LIMIT, repeats=False) == pytest.approx(combine([null], 10, rng).p)
    assert smallest_p(10**9, 999, LIMIT, repeats=True) == pytest.approx(1 / 1000)
    assert smallest_p(1, 999, LIMIT, repeats=True) is None


def test_repeats_can_reach_half_of_that_and_no_less():
    rng = np.random.default_rng(0)
    blocks = np.repeat(np.arange(3), 2)
    every = orders(blocks, None, rng)
    tables = rng.normal(size=(300, 2, 6))
    p = [
        combine([Null(balances(x[None], y[None], every)[:, 0, 0], True)], 1, rng).p
        for x, y in tables
    ]
    assert min(p) == pytest.approx(smallest_p(6, 1, LIMIT, repeats=True))


def test_no_effect_is_found_where_no_p_is_small_enough():
    assert detectable_tau([4], np.random.default_rng(0)) is None
    assert detectable_tau([1, 1], np.random.default_rng(0)) is None


def test_the_detectable_tau_is_found_in_about_four_tables_of_five():
    rng = np.random.default_rng(0)
    tau = detectable_tau([6, 6], rng)
    correlation = np.sin(tau * np.pi / 2)
    every = orders(np.arange(6), None, rng)
    found = 0
    for _ in range(400):
        parts = []
        for _ in range(2):
            x, e = rng.normal(size=(2, 6))
            y = correlation * x + np.sqrt(1 - correlation**2) * e
            parts.append(Null(balances(x[None], y[None], every)[:, 0, 0], True))
        found += combine(parts, 1, rng).p <= 0.05
    assert 0.72 < found / 400 < 0.88


def test_more_methods_detect_less():
    small = detectable_tau([12] * 3, np.random.default_rng(0))
    large = detectable_tau([500] * 3, np.random.default_rng(0))
    assert large < small
