"""Learned weights: found where there is something to learn, equal where there is not, blind metrics light."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from uqs.errors import UserError
from uqs.results.tables import to_panel
from uqs.score import cube as cubes
from uqs.score import score
from uqs.score.calibration import Calibration, calibration
from uqs.score.learned_weights import by_references, learn, reliabilities


def rng():
    return np.random.default_rng(0)


def test_reliabilities_are_scipys_spearman_over_methods():
    generator = np.random.default_rng(2)
    levels, distance = (
        generator.integers(0, 4, (3, 6, 2)).astype(float),
        generator.random((3, 6)),
    )
    found = reliabilities(levels, distance)
    for b in range(3):
        for k in range(2):
            expected = stats.spearmanr(levels[b, :, k], -distance[b]).statistic
            assert found[b, k] == pytest.approx(expected)


def test_reliabilities_are_undefined_where_constant_missing_or_of_two_methods():
    levels = np.array([[[0.5, np.nan, 0.1], [0.5, 0.2, np.nan], [0.5, 0.3, 0.2]]])
    found = reliabilities(levels, np.array([[1.0, 2.0, 3.0]]))
    assert np.isnan(found).all()


def test_the_share_is_that_of_all_arrangements_of_whole_methods():
    """A slow loop: one permutation moves a method on all benchmarks at once."""
    generator = np.random.default_rng(4)
    distance = generator.random((2, 5))
    levels = np.stack([-distance, generator.random((2, 5))], axis=2)
    sums = []
    for order in permutations(range(5)):
        rho = [
            [stats.spearmanr(levels[b, :, k], -distance[b, list(order)]).statistic for k in (0, 1)]
            for b in (0, 1)
        ]
        sums.append((np.mean(rho, axis=0) ** 2).sum())
    r = reliabilities(levels, distance).mean(axis=0)
    share = 1 - np.quantile(sums, 0.95, method="higher") / (r**2).sum()
    found = learn(levels, distance, rng())
    assert share > 0
    assert found.share == pytest.approx(share)
    positive = np.maximum(r, 0)
    assert found.weights == pytest.approx((1 - share) / 2 + share * positive / positive.sum())


def test_a_metric_that_says_nothing_keeps_its_share():
    generator = np.random.default_rng(1)
    distance = generator.random((2, 30))
    levels = np.stack([-distance, np.full((2, 30), np.nan), generator.random((2, 30))], axis=2)
    found = learn(levels, distance, rng())
    assert found.weights[1] == pytest.approx(1 / 3)
    assert found.weights.sum() == pytest.approx(1)
    assert found.weights[0] > 0.5 > found.weights[2]


@pytest.mark.parametrize("term", ["unknown", "constant", "opposite", "none"])
def test_it_falls_back_to_equal_weights(term):
    distance = np.arange(10.0).reshape(2, 5)
    levels = np.stack([distance] * 3, axis=2)
    if term == "unknown":
        levels[:] = np.nan
    elif term == "constant":
        levels[:] = 0.3
    elif term == "none":
        levels, distance = levels[:0], distance[:0]
    found = learn(levels, distance, rng())
    assert found.weights == pytest.approx(1 / 3)
    assert found.share == 0


@pytest.mark.parametrize("persistence", [0.0, 0.5, 0.9])
def test_nothing_is_learned_from_methods_that_persist_and_follow_nothing(persistence):
    """The same methods are good on every benchmark, by a quality that no metric knows."""
    generator = np.random.default_rng(8)
    tables, learned = 200, 0

    def drawn(methods):
        own = generator.standard_normal((1, methods, 5))
        fresh = generator.standard_normal((3, methods, 5))
        return np.sqrt(persistence) * own + np.sqrt(1 - persistence) * fresh

    for _ in range(tables):
        learned += learn(drawn(6), drawn(6)[:, :, 0], rng()).share > 0
    assert learned <= stats.binom.ppf(0.999, tables, 0.05)


@pytest.mark.parametrize("unequal", [False, True])
def test_strengths_of_one_method_are_no_more_methods(unequal):
    """Five methods at four strengths, alike within a method: as few as five to learn from."""
    generator = np.random.default_rng(9)
    names = [f"m{m}@{s}" for m in range(5) for s in "abcd"][: 19 if unequal else 20]
    tables, learned, naive = 150, 0, 0
    for _ in range(tables):
        own = generator.standard_normal((2, 1, 5, 1, 3))
        values = own + 0.2 * generator.standard_normal((2, 2, 5, 4, 3))
        levels, distance = values.reshape(2, 2, 20, 3)[:, :, : len(names)]
        learned += learn(levels, distance[:, :, 0], rng(), names).share > 0
        naive += learn(levels, distance[:, :, 0], rng()).share > 0
    assert learned <= stats.binom.ppf(0.999, tables, 0.05)
    assert naive > 2 * learned + 10


@given(st.permutations(range(8)), st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_names_of_methods_do_not_matter(order, seed):
    generator = np.random.default_rng(seed)
    levels, distance = generator.random((2, 8, 3)), generator.random((2, 8))
    straight = learn(levels, distance, rng())
    turned = learn(levels[:, order], distance[:, order], rng())
    assert turned.share == pytest.approx(straight.share)


@given(st.integers(0, 2**32 - 1), st.integers(3, 12))
@settings(deadline=None, max_examples=30)
def test_learned_weights_are_a_weighting(seed, methods):
    generator = np.random.default_rng(seed)
    found = learn(generator.random((2, methods, 3)), generator.random((2, methods)), rng())
    assert (found.weights >= 0).all()
    assert found.weights.sum() == pytest.approx(1)
    assert 0 <= found.share <= 1


def test_blind_metrics_weigh_little_and_utility_keeps_its_share(ladder):
    """FA follows the ladder best of all and misses what a suppressed model hides."""
    cube = cubes.build(to_panel(ladder, "ladder"))
    seen = by_references(cube, calibration(ladder))
    weights = dict(zip(cube.metrics, seen.mean, strict=True))
    assert weights["RA"] == pytest.approx(0.2)
    assert weights["JS"] > 5 * max(weights["FA"], weights["MIA"])
    unseen = ladder[~ladder["role"].isin(["suppressed", "damaged"])]
    alone = by_references(cube, calibration(unseen))
    weights = dict(zip(cube.metrics, alone.mean, strict=True))
    assert weights["FA"] > weights["JS"] > weights["AD"]


def test_weights_of_a_benchmark_do_not_see_its_references(ladder):
    cube = cubes.build(to_panel(ladder, "ladder"))
    before = by_references(cube, calibration(ladder)).matrix
    changed = ladder.copy()
    own = (changed["benchmark"] == cube.benchmarks[0]) & (changed["metric"] == "JS")
    changed.loc[own & (changed["role"] == "reference"), "value"] = 0.5
    after = by_references(cube, calibration(changed)).matrix
    assert (before[0] == after[0]).all()
    assert (before[1] != after[1]).any()


def test_references_are_needed(table):
    with pytest.raises(UserError, match="references on at least two benchmarks"):
        score(table, "references")
    with pytest.raises(UserError, match="references on at least two benchmarks"):
        by_references(cubes.build(to_panel_of(table)), Calibration({}))


def to_panel_of(table):
    from uqs.results.tables import from_dataframe

    return from_dataframe(table)
