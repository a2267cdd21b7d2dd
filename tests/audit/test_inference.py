from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from scipy.stats import binom, kendalltau, spearmanr

from uqs.audit import inference
from uqs.audit.groups import Pair, group_pairs
from uqs.audit.inference import Kind, bootstrap_intervals, permutation_tests
from uqs.results.panel import Panel

PAIR = Pair("X", "Y")


def panel(rng, benchmarks, methods, seeds, effect=0.0, spread=0.1, persists=0.0):
    """Method effects shared by X and Y to the extent of `effect`; seeds move them a little.

    `persists` is the share of the variance of effects that is the same on all benchmarks.
    """
    keys = [
        (f"b{b}", f"m{m:02}", s) for b, m, s in product(*map(range, (benchmarks, methods, seeds)))
    ]
    common, own = (
        np.sqrt(persists) * rng.normal(size=(2, 1, methods))
        + np.sqrt(1 - persists) * rng.normal(size=(2, benchmarks, methods))
        for _ in range(2)
    )
    values = effect * common[:1] + np.sqrt(1 - effect**2) * own
    values = values[..., None] + spread * rng.normal(size=(2, benchmarks, methods, seeds))
    columns = [np.array(column) for column in zip(*keys, strict=True)]
    return Panel(
        *columns,
        values={"X": values[0].ravel(), "Y": values[1].ravel()},
        better={"X": "higher", "Y": "higher"},
    )


def groups(table):
    return list(group_pairs(table, table.values, table.values, [PAIR]))


def p_of(table, kind=Kind.TAU, resamples=199, seed=0):
    (group,) = groups(table)
    return permutation_tests(group, kind, resamples, np.random.default_rng(seed))[PAIR]


@pytest.mark.parametrize("kind", list(Kind))
def test_exact_p_agrees_with_brute_force_over_whole_methods(kind):
    table = panel(np.random.default_rng(1), 2, 3, 2, effect=0.8)
    x, y = (table.values[name].reshape(2, 3, 2) for name in "XY")

    def statistic(picks):
        moved = np.stack([y[b][list(pick)] for b, pick in enumerate(picks)])
        if kind is Kind.POOLED_RHO:
            return spearmanr(x.ravel(), moved.ravel()).statistic
        one = kendalltau if kind is Kind.TAU else spearmanr
        return np.mean([one(x[b].ravel(), moved[b].ravel()).statistic for b in range(2)])

    every = np.array([statistic([pick] * 2) for pick in permutations(range(3))])
    distance = np.abs(every - every.mean())
    found = p_of(table, kind)
    assert (found.exact, found.arrangements) == (True, 6)
    assert found.p == pytest.approx(np.mean(distance >= distance[0] - 1e-9))


@pytest.mark.parametrize("persists", [0, 0.9])
def test_null_tables_are_rejected_at_the_level_and_the_naive_test_is_not(persists):
    rng = np.random.default_rng(2)
    tables = [panel(rng, 3, 6, 3, persists=persists) for _ in range(400)]
    ours = sum(p_of(table).p <= 0.05 for table in tables)
    naive = sum(kendalltau(t.values["X"], t.values["Y"]).pvalue <= 0.05 for t in tables)
    low, high = binom.ppf([0.001, 0.999], 400, 0.05)
    assert low <= ours <= high
    assert naive > high


def test_strengths_are_attached_to_their_method():
    rng = np.random.default_rng(11)
    rejected = 0
    for _ in range(300):
        effect = np.sqrt(0.8) * rng.normal(size=(2, 1, 12, 1))
        values = effect + np.sqrt(0.2) * rng.normal(size=(2, 1, 12, 3))
        names = [f"m{m:02}@{s}" for m in range(12) for s in ("weak", "medium", "strong")]
        table = Panel(
            np.full(36, "b"),
            np.array(names),
            np.zeros(36, dtype=np.int64),
            values={"X": values[0].ravel(), "Y": values[1].ravel()},
            better={"X": "higher", "Y": "higher"},
        )
        rejected += p_of(table).p <= 0.05
    low, high = binom.ppf([0.001, 0.999], 300, 0.05)
    assert low <= rejected <= high


def test_sampled_null_tables_are_rejected_at_the_level():
    rng = np.random.default_rng(3)
    tables = [panel(rng, 2, 10, 2, persists=0.5) for _ in range(300)]
    tests = [p_of(table) for table in tables]
    low, high = binom.ppf([0.001, 0.999], 300, 0.05)
    assert not any(test.exact for test in tests)
    assert low <= sum(test.p <= 0.05 for test in tests) <= high


def test_ranks_stand_in_for_signs_beyond_the_work_limit(monkeypatch):
    table = panel(np.random.default_rng(4), 2, 9, 2, effect=0.6)
    by_signs = p_of(table, resamples=4000)
    monkeypatch.setattr(inference, "KENDALL_METHODS", 0)
    assert p_of(table, resamples=4000).p == pytest.approx(by_signs.p, abs=0.05)


def test_a_method_that_lacks_a_seed_is_exchanged_with_the_others():
    table = panel(np.random.default_rng(5), 1, 3, 2)
    values = {"X": table.values["X"].copy(), "Y": table.values["Y"]}
    values["X"][0] = np.nan
    (group,) = group_pairs(table, values, values, [PAIR])
    test = permutation_tests(group, Kind.TAU, 99, np.random.default_rng(0))[PAIR]
    assert test.arrangements == 6


def test_a_method_that_lacks_a_benchmark_keeps_its_place():
    table = panel(np.random.default_rng(5), 2, 3, 1)
    values = {"X": table.values["X"].copy(), "Y": table.values["Y"]}
    values["X"][0] = np.nan
    (group,) = group_pairs(table, values, values, [PAIR])
    test = permutation_tests(group, Kind.TAU, 99, np.random.default_rng(0))[PAIR]
    assert test.arrangements == 2


def test_nothing_to_exchange_is_no_test():
    table = panel(np.random.default_rng(6), 2, 1, 4)
    (group,) = groups(table)
    assert permutation_tests(group, Kind.TAU, 99, np.random.default_rng(0)) == {}


def test_intervals_are_refused_below_eight_methods():
    (group,) = groups(panel(np.random.default_rng(7), 3, 7, 2))
    found = bootstrap_intervals(group, Kind.RHO, 200, np.random.default_rng(0))[PAIR]
    assert found.low is None
    assert found.reason == "7 methods; a bootstrap over methods needs 8"


@pytest.mark.parametrize("kind", [Kind.TAU, Kind.RHO])
def test_intervals_cover_a_null_about_as_often_as_they_say(kind):
    rng = np.random.default_rng(8)
    covered = 0
    for _ in range(100):
        (group,) = groups(panel(rng, 1, 20, 2))
        found = bootstrap_intervals(group, kind, 300, rng)[PAIR]
        covered += found.low <= 0 <= found.high
    assert covered >= 85


def test_a_row_without_values_is_left_out():
    table = panel(np.random.default_rng(9), 1, 3, 1)
    nothing = {name: np.full(3, np.nan) for name in "XY"}
    assert list(group_pairs(table, nothing, nothing, [PAIR])) == []
