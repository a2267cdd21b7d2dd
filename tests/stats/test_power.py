from __future__ import annotations

import numpy as np
import pytest

from uqs.stats.permutation import LIMIT, exchanges, two_sided
from uqs.stats.power import PERSISTS, detectable_tau, smallest_p

RNG = np.random.default_rng


def p_of(x, y, benchmarks, methods):
    """The test of the mean tau of x and y `(benchmarks * methods,)`."""
    found = exchanges(
        np.tile(np.arange(methods), benchmarks),
        np.repeat(np.arange(benchmarks), methods),
        None,
        RNG(0),
    )
    total = 0.0
    for at in range(benchmarks):
        rows = np.arange(at * methods, (at + 1) * methods)
        total += found.within(rows).balances(x, y)
    return two_sided(total, exact=True).p


def test_smallest_p_is_what_perfect_agreement_gets():
    x = np.arange(5.0)
    assert smallest_p(120, 10, LIMIT, symmetric=True) == pytest.approx(p_of(x, x, 1, 5))
    assert smallest_p(10**9, 999, LIMIT, symmetric=False) == pytest.approx(1 / 1000)
    assert smallest_p(1, 999, LIMIT, symmetric=False) is None


def test_several_benchmarks_can_reach_half_of_that_and_no_less():
    tables = RNG(0).normal(size=(200, 2, 8))
    p = min(p_of(x, y, 2, 4) for x, y in tables)
    assert p == pytest.approx(smallest_p(24, 1, LIMIT, symmetric=False))


def test_under_five_methods_nothing_is_found():
    assert detectable_tau(4, 3) is None
    assert detectable_tau(1, 1) is None


def test_the_detectable_tau_is_found_in_about_four_tables_of_five():
    rng = RNG(0)
    tau = detectable_tau(7, 2)
    correlation = np.sin(tau * np.pi / 2)
    found = 0
    for _ in range(200):
        shared, own = rng.normal(size=(2, 1, 7)), rng.normal(size=(2, 2, 7))
        x, e = np.sqrt(PERSISTS) * shared + np.sqrt(1 - PERSISTS) * own
        y = correlation * x + np.sqrt(1 - correlation**2) * e
        found += p_of(x.ravel(), y.ravel(), 2, 7) <= 0.05
    assert 0.7 < found / 200 < 0.9


def test_more_methods_detect_less_and_more_benchmarks_hardly_help():
    assert detectable_tau(100, 3) < detectable_tau(12, 3)
    assert detectable_tau(19, 3) > 0.8 * detectable_tau(19, 1)


def test_large_designs_take_no_longer():
    assert detectable_tau(100_000, 3, 3) == detectable_tau(1000, 3, 3)
