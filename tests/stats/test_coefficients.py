from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from uqs.records import Status
from uqs.stats.coefficients import (
    PairCounts,
    State,
    pair_counts,
    pairwise_accuracy,
    spearman,
    tau_b,
    tie_threshold,
    unit_ranks,
)

vectors = st.integers(2, 40).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(0, 8), min_size=n, max_size=n) for _ in range(2)])
)


def slow_counts(x, y) -> PairCounts:
    counts = dict.fromkeys(("concordant", "discordant", "tied_x", "tied_y", "tied_both"), 0)
    for i in range(len(x)):
        for j in range(i):
            first, second = np.sign(x[i] - x[j]), np.sign(y[i] - y[j])
            if first == second == 0:
                counts["tied_both"] += 1
            elif first == 0:
                counts["tied_x"] += 1
            elif second == 0:
                counts["tied_y"] += 1
            else:
                counts["concordant" if first == second else "discordant"] += 1
    return PairCounts(**counts)


@given(vectors)
def test_pairs_are_counted_as_by_a_slow_loop(xy):
    x, y = map(np.array, xy)
    assert pair_counts(x, y) == slow_counts(x, y)


@given(vectors)
def test_coefficients_agree_with_scipy(xy):
    x, y = map(np.array, xy)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        assert tau_b(x, y).status == spearman(x, y).status == State.CONSTANT
        assert tau_b(x, y).value is None
        return
    assert tau_b(x, y).value == pytest.approx(scipy_stats.kendalltau(x, y).statistic, abs=1e-12)
    assert spearman(x, y).value == pytest.approx(scipy_stats.spearmanr(x, y).statistic, abs=1e-12)


def test_large_vectors_agree_with_scipy():
    rng = np.random.default_rng(1)
    x = rng.integers(0, 500, 50_000)
    y = x + rng.integers(0, 500, 50_000)
    assert tau_b(x, y).value == pytest.approx(scipy_stats.kendalltau(x, y).statistic, abs=1e-12)


@given(vectors, st.sampled_from([0.0, 0.5, 1.0, 3.0]))
def test_pairwise_accuracy_agrees_with_a_slow_loop(xy, threshold):
    x, y = map(np.array, xy)
    right = sum(
        (0 if abs(x[i] - x[j]) <= threshold else np.sign(x[i] - x[j])) == np.sign(y[i] - y[j])
        for i in range(len(x))
        for j in range(i)
    )
    expected = right / (len(x) * (len(x) - 1) / 2)
    assert pairwise_accuracy(x, y, threshold).value == pytest.approx(expected)


@given(vectors)
def test_tie_threshold_is_the_best_of_all_candidates(xy):
    x, y = map(np.array, xy)
    candidates = {0.0, *np.abs(np.subtract.outer(x, x)).ravel().astype(float)}
    accuracies = {t: pairwise_accuracy(x, y, t).value for t in candidates}
    best = tie_threshold(x, y)
    assert best.accuracy == pytest.approx(max(accuracies.values()))
    assert accuracies[best.threshold] == pytest.approx(best.accuracy)
    assert all(accuracies[t] < best.accuracy - 1e-9 for t in candidates if t < best.threshold)


def test_missing_observations_are_left_out_and_counted():
    result = tau_b([1, 2, np.nan, 3], [1, 2, 3, np.nan])
    assert (result.value, result.n) == (1.0, 2)
    assert tau_b([1, np.nan], [np.nan, 1]).status == State.TOO_FEW
    for coefficient in (tau_b, spearman, pairwise_accuracy):
        assert coefficient([1.0], [1.0]).status == State.TOO_FEW
        assert coefficient([1.0], [1.0]).value is None


@pytest.mark.parametrize("bad", [[np.inf, 1.0], [1.0], [[1.0, 2.0]]])
def test_bad_vectors_are_refused(bad):
    with pytest.raises(ValueError, match=r"infinite|one length"):
        tau_b(bad, [1.0, 2.0])
    with pytest.raises(ValueError, match="two observations"):
        tie_threshold([1.0], [1.0])
    with pytest.raises(ValueError, match="negative"):
        pairwise_accuracy([1, 2], [1, 2], -1.0)


def test_states_are_words_of_the_results_table():
    assert {state.value for state in State} <= {status.value for status in Status}


def test_inner_products_of_unit_ranks_are_rho():
    rng = np.random.default_rng(0)
    x = np.stack([rng.integers(0, 4, 9).astype(float), rng.normal(size=9), np.ones(9)])
    products = unit_ranks(x) @ unit_ranks(x).T
    assert products[0, 1] == pytest.approx(scipy_stats.spearmanr(x[0], x[1]).statistic)
    assert products[2].tolist() == [0, 0, 0]
