"""Responses by hand, against scikit-learn, statsmodels and brute force, and their coverage."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student
from sklearn.isotonic import IsotonicRegression
from statsmodels.formula.api import ols

from uqs.stats.response import fit, leave_one_seed_out_error

SHARES = np.repeat([0, 0.25, 0.5, 0.75, 1], 3)


def drawn(seed, span=10.0, shares=SHARES, sign=1):
    rng = np.random.default_rng(seed)
    return sign * span * shares + rng.normal(size=shares.size)


def grid_share(response, value, runs=1, level=0.95):
    """The known share by brute force over many shares, for rungs of equal spread and size."""
    s = np.linspace(response.shares[0], response.shares[-1], 200_001)
    g = np.interp(s, response.shares, response.means)
    margin = student.ppf((1 + level) / 2, response.freedom) * sqrt(1 / runs + 1 / response.runs[0])
    held = s[np.abs(value - g) <= margin * response.sd]
    return (held.min(), held.max()) if len(held) else None


@pytest.mark.parametrize("sign", [1, -1])
def test_the_fit_is_isotonic_regression_of_all_models_and_the_noise_that_of_an_analysis_of_variance(
    sign,
):
    values = drawn(0, span=2, sign=sign)
    found = fit(SHARES, values)
    truth = IsotonicRegression(increasing=sign > 0).fit(SHARES, values)
    assert found.direction == sign
    assert found.means == pytest.approx(truth.predict(np.array(found.shares)))
    anova = ols("y ~ C(s)", pd.DataFrame({"y": values, "s": SHARES})).fit()
    assert found.sd == pytest.approx(sqrt(anova.mse_resid))
    assert found.freedom == anova.df_resid == 10
    assert found.runs == (3,) * 5
    own = [values[s == SHARES].std(ddof=1) for s in found.shares]
    assert found.spreads == pytest.approx(np.maximum(own, found.sd))


def test_by_hand():
    found = fit([0, 0, 1, 1], [1.0, 3.0, 21.0, 23.0])
    assert (found.means, found.sd, found.freedom) == ((2.0, 22.0), pytest.approx(sqrt(2)), 2)
    assert found.span == pytest.approx(20 / sqrt(2))
    half = student.ppf(0.975, 2) * sqrt(2) * sqrt(1.5)
    share = found.known_share(12.0)
    assert (share.estimate, share.off, share.position) == (0.5, "", 0.5)
    assert (share.low, share.high) == pytest.approx((0.5 - half / 20, 0.5 + half / 20))
    four = found.known_share(12.0, runs=4)
    assert four.high - four.low == pytest.approx(2 * half / 20 * sqrt(0.75 / 1.5))
    assert found.smallest_gap() == pytest.approx(student.ppf(0.975, 2) * 2 / 20)


def test_off_the_ladder_on_both_sides_in_both_directions():
    for sign in (1, -1):
        found = fit(SHARES, drawn(1, span=20, sign=sign))
        low, high = found.means[0], found.means[-1]
        below = found.known_share(low - (high - low))
        assert (below.off, below.estimate, below.low, below.high) == ("below", None, None, None)
        assert below.position == pytest.approx(-1)
        above = found.known_share(high + (high - low) / 2)
        assert (above.off, above.position) == ("above", pytest.approx(1.5))
        just = found.known_share(low - 0.1 * sign * found.sd)
        assert (just.off, just.estimate, just.low) == ("", 0, 0)
        assert just.position < 0


@given(st.integers(0, 10**6), st.sampled_from([1.0, 5.0, 20.0]), st.floats(-0.5, 1.5))
def test_the_known_share_is_that_of_brute_force(seed, span, share):
    values = drawn(seed, span)
    # rungs of equal spread
    centred = values - np.repeat([values[s == SHARES].mean() for s in np.unique(SHARES)], 3)
    same = np.tile([-1.0, 0, 1], 5)
    found = fit(SHARES, values - centred + same)
    value = span * share
    known, truth = found.known_share(value, runs=2), grid_share(found, value, runs=2)
    if truth is None:
        assert known.off
    else:
        assert (known.low, known.high) == pytest.approx(truth, abs=2e-5)
        assert known.low <= known.estimate <= known.high


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 0.2, 0.6, 1]), st.integers(0, 9).map(float)),
        min_size=1,
        max_size=14,
    ),
    st.floats(-20, 30),
    st.integers(1, 5),
)
def test_properties_of_any_ladder(models, value, runs):
    shares, values = zip(*models, strict=True)
    found = fit(shares, values)
    counts = [shares.count(one) for one in set(shares)]
    if len(counts) < 2 or max(counts) < 2 or len(set(values)) < 2:
        assert found is None
        return
    if found is None:
        return  # rungs that are all alike
    turned = np.array(found.means) * found.direction
    assert (np.diff(turned) >= -1e-12).all()
    assert found.sd > 0
    known = found.known_share(value, runs)
    wider = found.known_share(value, runs, level=0.99)
    if not known.off:
        assert 0 <= known.low <= known.estimate <= known.high <= 1
        assert wider.low <= known.low and known.high <= wider.high
    gap = found.smallest_gap()
    if gap is not None:
        assert 0 < gap <= max(found.shares) - min(found.shares)


def test_the_smallest_gap_is_that_of_brute_force():
    rng = np.random.default_rng(5)
    for _ in range(20):
        found = fit(SHARES, 12 * np.sort(rng.uniform(size=5)).repeat(3) + rng.normal(size=15))
        critical = student.ppf(0.975, 10) * found.sd * sqrt(2)
        s = np.linspace(0, 1, 1001)
        g = np.interp(s, found.shares, np.array(found.means) * found.direction)
        apart = g[None, :] - g[:, None] > critical
        told = [apart[np.arange(1001 - d), np.arange(d, 1001)].all() for d in range(1001)]
        gap = found.smallest_gap()
        if gap is None:
            assert not any(told)
        else:
            assert told.index(True) / 1000 == pytest.approx(gap, abs=2e-3)


def test_a_plateau_gives_its_middle():
    found = fit(np.repeat([0, 0.25, 0.75, 1], 2), [0, 1, 50, 51, 50, 51, 100, 101.0])
    assert found.known_share(50.5).estimate == 0.5


def test_a_rung_or_a_method_that_scatters_more_has_a_wider_interval():
    found = fit(SHARES, 20 * SHARES + np.repeat([1, 1, 1, 1, 4], 3) * np.tile([-1, 0, 1], 5))
    assert found.spreads[-1] == pytest.approx(4)
    margins = found.margins()
    assert margins[-1] == pytest.approx(margins[0] * 4 / found.sd)
    scattered = found.margins(runs=2, spread=10.0)
    expected = student.ppf(0.975, 10) * np.sqrt(100 / 2 + np.array(found.spreads) ** 2 / 3)
    assert scattered == pytest.approx(expected)


def test_rounded_values_that_agree_are_no_certainty():
    found = fit([0, 0, 1, 1], [0.25, 0.25, 0.75, 0.75])
    assert found.sd == 0.25


def test_a_curve_that_turns_is_not_monotone():
    assert fit(SHARES, drawn(2)).monotone()
    turning = 20 * (SHARES - 0.5) ** 2 + drawn(3, span=0) / 10
    assert not fit(SHARES, turning).monotone()


def test_nothing_is_known_without_rungs_repeats_or_differences():
    assert fit([0, 0], [1.0, 2.0]) is None
    assert fit([0, 1], [1.0, 2.0]) is None
    assert fit([0, 0, 1], [1.0, 1.0, 1.0]) is None
    assert fit([0, 0, 1, 1], [1.0, 2.0, 1.0, 2.0]) is None
    with pytest.raises(ValueError, match="finite"):
        fit([0, 0, 1], [1.0, float("nan"), 1.0])
    with pytest.raises(ValueError, match="known share"):
        fit([0, 0, 1], [1.0, 2.0, 5.0]).known_share(float("inf"))


def test_the_error_is_that_of_a_loop_over_seeds():
    seeds = np.tile([0, 1, 2], 5)
    values = drawn(4, span=6)
    errors = []
    for seed in range(3):
        kept = seeds != seed
        model = IsotonicRegression().fit(SHARES[kept], values[kept])
        g = model.predict(np.unique(SHARES))
        fine = np.linspace(0, 1, 100_001)
        curve = np.interp(fine, np.unique(SHARES), g)
        for share, value in zip(SHARES[~kept], values[~kept], strict=True):
            inside = g[0] <= value <= g[-1]
            near = fine[np.abs(curve - value) < 1e-3] if inside else np.array(float(value > g[-1]))
            errors.append(near.mean() - share)
    expected = np.sqrt(np.mean(np.square(errors)))
    assert leave_one_seed_out_error(SHARES, values, seeds) == pytest.approx(expected, abs=1e-3)


def test_models_beyond_the_other_seeds_rungs_are_not_judged():
    shares, seeds = [0, 0, 0, 0.5, 0.5, 0.5, 1], [0, 1, 2, 0, 1, 2, 9]
    values = [0, 1.0, 2, 50, 51, 52, 100]
    # the one model at share 1 would be taken for one at share .5
    assert leave_one_seed_out_error(shares, values, seeds) < 0.03
    assert leave_one_seed_out_error([0, 1], [0.0, 1.0], [0, 0]) is None
    with pytest.raises(ValueError, match="seeds"):
        leave_one_seed_out_error(shares, values, [0, 1])


@pytest.mark.parametrize(("rungs", "runs"), [(3, 3), (5, 2), (5, 6)])
def test_coverage(rungs, runs):
    """95% over shares between 0 and 1; perf/known_share.md has the rest."""
    rng = np.random.default_rng(6)
    shares, held = np.repeat(np.linspace(0, 1, rungs), runs), 0
    for _ in range(500):
        found = fit(shares, 10 * shares + rng.normal(size=shares.size))
        truth = rng.uniform()
        share = found.known_share(10 * truth + rng.normal())
        held += not share.off and share.low <= truth <= share.high
    assert 0.93 <= held / 500 <= 0.99
