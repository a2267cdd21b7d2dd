from __future__ import annotations

import numpy as np
import pytest

from uqs.stats.factors import second_factor

BENCHMARKS, METHODS, VARIABLES = 3, 19, 6
PLACES = np.repeat(np.arange(BENCHMARKS), METHODS)
CODES = np.tile(np.arange(METHODS), BENCHMARKS)
STRATA = [np.flatnonzero(one == PLACES) for one in range(BENCHMARKS)]


def effects(rng):
    """Nine tenths of the variance of a method's effect are the same on all benchmarks."""
    shared, own = rng.normal(size=(1, METHODS)), rng.normal(size=(BENCHMARKS, METHODS))
    return (np.sqrt(0.9) * shared + np.sqrt(0.1) * own).ravel()


def table(rng, factors):
    common = [effects(rng) for _ in range(factors)]
    signs = np.where(np.arange(VARIABLES) % 2, 1, -1)
    return np.stack(
        [
            0.85 * signs[k] * common[k * factors // VARIABLES] + np.sqrt(1 - 0.85**2) * effects(rng)
            for k in range(VARIABLES)
        ]
    )


def p_values(factors, tables, seed):
    rng = np.random.default_rng(seed)
    return np.array(
        [second_factor(table(rng, factors), STRATA, CODES, PLACES, 99, rng) for _ in range(tables)]
    )


def test_one_factor_with_signs_is_one_factor():
    assert (p_values(1, 40, 0) <= 0.05).mean() <= 0.15


def test_two_factors_are_found():
    assert (p_values(2, 20, 1) <= 0.05).mean() >= 0.7


def test_nothing_to_exchange_or_too_few_variables_is_undefined():
    rng = np.random.default_rng(2)
    some = table(rng, 1)
    assert second_factor(some[:2], STRATA, CODES, PLACES, 9, rng) is None
    one = np.zeros(len(CODES), dtype=np.int64)
    assert second_factor(some, STRATA, one, PLACES, 9, rng) is None


def test_the_order_of_rows_and_the_scale_of_values_do_not_matter():
    rng = np.random.default_rng(3)
    some = table(rng, 2)
    first = second_factor(some, STRATA, CODES, PLACES, 19, np.random.default_rng(0))
    scaled = second_factor(np.exp(3 * some), STRATA, CODES, PLACES, 19, np.random.default_rng(0))
    assert first == pytest.approx(scaled)
