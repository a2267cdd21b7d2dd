"""Variance components and pairs told apart, against statsmodels, loops and figures by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, kendalltau, rankdata, studentized_range
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from uqs.stats.resolution import complete_part, mean_squares, resolve

# two methods, two seeds, two oracles
BY_HAND = np.array([[[1.0, 2.0], [3.0, 6.0]], [[4.0, 4.0], [5.0, 5.0]]])


def drawn(seed, methods=5, seeds=3, oracles=4, spread=1.0):
    rng = np.random.default_rng(seed)
    return (
        spread * rng.normal(size=(methods, 1, 1))
        + 5 * rng.normal(size=(1, seeds, 1))
        + 5 * rng.normal(size=(1, 1, oracles))
        + 0.7 * rng.normal(size=(methods, seeds, 1))
        + 0.4 * rng.normal(size=(methods, 1, oracles))
        + 2.0 * rng.normal(size=(1, seeds, oracles))
        + 0.3 * rng.normal(size=(methods, seeds, oracles))
    )


def table_of(values, formula):
    keys = list(product(*map(range, values.shape)))
    frame = pd.DataFrame(keys, columns=["m", "s", "o"]).assign(y=values.ravel())
    return anova_lm(ols(formula, frame).fit())


def test_mean_squares_are_those_of_statsmodels():
    values = drawn(0)
    truth = table_of(values, "y ~ C(m) + C(s) + C(o) + C(m):C(s) + C(m):C(o) + C(s):C(o)")[
        "mean_sq"
    ]
    found = mean_squares(values)
    assert found.method == pytest.approx(truth["C(m)"])
    assert found.seed == pytest.approx(truth["C(m):C(s)"])
    assert found.oracle == pytest.approx(truth["C(m):C(o)"])
    assert found.residual == pytest.approx(truth["Residual"])
    error = found.seed + found.oracle - found.residual
    assert found.error == pytest.approx(error)
    assert found.own.mean() == pytest.approx(error)


@pytest.mark.parametrize("axis", [1, 2])
def test_one_seed_or_one_oracle_is_a_two_way_table(axis):
    values = drawn(1).mean(axis=axis, keepdims=True)
    other = "s" if axis == 2 else "o"
    truth = table_of(values, f"y ~ C(m) + C({other})")
    found = mean_squares(values)
    assert found.method == pytest.approx(truth.loc["C(m)", "mean_sq"])
    assert found.error == pytest.approx(truth.loc["Residual", "mean_sq"])
    assert found.freedom == truth.loc["Residual", "df"]
    assert (found.seed is None) == (axis == 1)
    assert (found.oracle is None) == (axis == 2)


def test_by_hand():
    """Half the difference of the methods is -1.5, -1, -1, .5: its mean -.75, by seed and by oracle a further
    .5 either way, the rest .25."""
    found = mean_squares(BY_HAND)
    assert found.method == pytest.approx(4.5)
    assert found.seed == pytest.approx(8 * 0.5**2)
    assert found.oracle == pytest.approx(8 * 0.5**2)
    assert found.residual == pytest.approx(8 * 0.25**2)
    result = resolve(BY_HAND)
    assert result.means.tolist() == [3.0, 4.5]
    assert result.error == pytest.approx(2 + 2 - 0.5)
    assert result.g == pytest.approx(1 - 3.5 / 4.5)


def test_an_error_is_at_least_the_larger_interaction():
    values = drawn(2, seeds=2, oracles=2)
    values = values.mean(axis=2, keepdims=True) + np.random.default_rng(0).normal(size=values.shape)
    found = mean_squares(values)
    assert found.error >= max(found.seed, found.oracle)


def test_what_moves_all_methods_alike_is_no_error():
    values = drawn(3)
    moved = values + 100 * np.random.default_rng(1).normal(size=(1, *values.shape[1:]))
    before, after = resolve(values), resolve(moved)
    assert after.error == pytest.approx(before.error)
    assert after.separated == before.separated
    assert after.g == pytest.approx(before.g)


@pytest.mark.parametrize(("seeds", "oracles"), [(2, 2), (3, 1), (1, 4)])
def test_pairs_told_apart_equal_a_loop(seeds, oracles):
    values = drawn(4, 8, seeds, oracles, spread=3)
    found = resolve(values)
    squares = mean_squares(values)
    q = studentized_range.ppf(0.95, 8, squares.freedom)
    errors = [np.sqrt(max(own, squares.error) / (seeds * oracles)) for own in squares.own]
    told = np.zeros((8, 8), dtype=bool)
    for i, j in product(range(8), range(8)):
        error = np.sqrt((errors[i] ** 2 + errors[j] ** 2) / 2)
        told[i, j] = values[i].mean() - values[j].mean() > q * error
    assert 0 < told.sum() < 28
    assert found.above().tolist() == told.tolist()
    assert found.separated == pytest.approx(told.sum() / 28)


def test_generalisability_and_what_it_needs():
    values = drawn(5, methods=200, seeds=3, oracles=2, spread=1.0)
    found = resolve(values)
    parts = found.components

    def g(seeds, oracles):
        error = parts.method_seed / seeds + parts.method_oracle / oracles
        error += parts.residual / (seeds * oracles)
        return parts.method / (parts.method + error)

    assert found.g == pytest.approx(g(3, 2))
    assert found.g == pytest.approx(1 / (1 + 0.49 / 3 + 0.16 / 2 + 0.09 / 6), abs=0.06)
    assert found.seeds_needed is None or g(found.seeds_needed, 2) >= 0.9 > g(
        found.seeds_needed - 1, 2
    )
    many = resolve(drawn(6, methods=200, seeds=2, oracles=8, spread=2.0))
    parts = many.components
    assert many.seeds_needed is not None
    assert g(many.seeds_needed, 8) >= 0.9
    assert many.seeds_needed == 1 or g(many.seeds_needed - 1, 8) < 0.9
    none = resolve(drawn(7, spread=0.0))
    assert none.seeds_needed is none.oracles_needed is None


def test_ranks_and_halves():
    values = drawn(8, seeds=2, oracles=2)
    found = resolve(values)
    ranked = mean_squares(np.stack(
        [[rankdata(values[:, s, o]) for o in range(2)] for s in range(2)]
    ).transpose(2, 0, 1))  # fmt: skip
    assert found.g_ranks == pytest.approx(max(0, 1 - ranked.error / ranked.method))
    seeds, oracles = values.mean(axis=2), values.mean(axis=1)
    assert found.tau_seeds == pytest.approx(kendalltau(*seeds.T).statistic)
    assert found.tau_oracles == pytest.approx(kendalltau(*oracles.T).statistic)
    three = resolve(drawn(9, oracles=1))
    by_seed = drawn(9, oracles=1)[:, :, 0]
    expected = [
        kendalltau(by_seed[:, s], by_seed.sum(axis=1) - by_seed[:, s]).statistic for s in range(3)
    ]
    assert three.tau_seeds == pytest.approx(np.mean(expected))
    assert three.tau_oracles is None
    assert three.oracles_needed is None


def test_equal_rounded_values_are_no_proof_of_no_noise():
    """Seeds that agree to the last digit leave half a step open: one step apart is not told apart."""
    one_step = np.repeat([[0.5], [0.5], [0.55], [0.5]], 2, axis=1)[:, :, None]
    found = resolve(one_step)
    assert found.error == pytest.approx(0.05**2 / 4)
    assert found.separated == 0
    far = np.repeat([[0.0], [0.05], [0.95], [1.0]], 2, axis=1)[:, :, None]
    assert resolve(far).separated == pytest.approx(4 / 6)


def test_last_bits_are_no_differences():
    assert resolve(np.full((3, 2, 1), 0.1) + 1e-17) is None
    values = np.array([0.1 + 0.2, 0.3, 0.3, 0.1 + 0.2]).reshape(2, 2, 1)
    assert resolve(values) is None


@pytest.mark.parametrize("shape", [(1, 3, 3), (4, 1, 1)])
def test_without_methods_or_repeats_no_error_is_known(shape):
    with pytest.raises(ValueError, match="no error can be known"):
        resolve(np.random.default_rng(0).normal(size=shape))


@pytest.mark.parametrize(
    ("methods", "seeds", "oracles", "by_seed", "by_oracle"),
    [(4, 3, 3, 3, 3), (19, 2, 2, 3, 3), (4, 1, 5, 0, 0)],
)
def test_equal_methods_are_told_apart_in_one_table_of_twenty(
    methods, seeds, oracles, by_seed, by_oracle
):
    rng, tables = np.random.default_rng(11), 150
    told = 0
    for _ in range(tables):
        values = by_seed * rng.normal(size=(methods, seeds, 1))
        values = values + by_oracle * rng.normal(size=(methods, 1, oracles))
        values = values + rng.normal(size=(methods, seeds, oracles))
        told += resolve(values).separated > 0
    assert told <= binom.ppf(0.999, tables, 0.05)


def test_a_method_that_scatters_is_not_told_apart_by_the_others_steadiness():
    rng, tables = np.random.default_rng(12), 100
    scale = np.array([10.0] + [0.1] * 18)[:, None, None]
    told = sum(resolve(scale * rng.normal(size=(19, 5, 1))).separated > 0 for _ in range(tables))
    assert told <= binom.ppf(0.999, tables, 0.08)
    pooled = 0
    for _ in range(tables):
        found = resolve(scale * rng.normal(size=(19, 5, 1)))
        pooled += np.ptp(found.means) > found.critical_difference
    assert pooled > 0.2 * tables  # which the pooled error alone does
    assert found.variance_ratio > 100


def test_the_complete_part():
    known = np.ones((4, 3, 2), dtype=bool)
    known[1, 1:] = False
    assert [part.tolist() for part in complete_part(known)] == [[0, 2, 3], [0, 1, 2], [0, 1]]
    known = np.ones((4, 3, 2), dtype=bool)
    known[:3, 2] = False
    assert [part.tolist() for part in complete_part(known)] == [[0, 1, 2, 3], [0, 1], [0, 1]]


@given(st.integers(0, 2**32 - 1), st.floats(0.3, 1))
def test_the_complete_part_is_complete_whatever_is_missing(seed, share):
    known = np.random.default_rng(seed).random((4, 3, 3)) < share
    kept = complete_part(known)
    assert known[np.ix_(*kept)].all()
