from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from uqs.audit import audit
from uqs.audit.association import agreement, associate
from uqs.audit.compare import compare, soft_pairwise_accuracy
from uqs.audit.degenerate import find_degenerate, measure_noise, standard_errors
from uqs.audit.direction import aligned
from uqs.audit.groups import Pair, group_pairs
from uqs.audit.order import orders
from uqs.audit.sentinels import sentinels
from uqs.audit.structure import cluster, concordance, separations
from uqs.errors import UserError
from uqs.results.panel import Panel
from uqs.score.transforms import calibrate
from uqs.stats.coefficients import spearman
from uqs.stats.noise import wilson_error


def panel(values, better=None, methods=4, seeds=1, benchmarks=("b",), **known) -> Panel:
    rows = [(b, f"m{m}", s) for b in benchmarks for m in range(methods) for s in range(seeds)]
    benchmark, method, seed = (np.array(column) for column in zip(*rows, strict=True))
    arrays = {name: np.asarray(column, dtype=float) for name, column in values.items()}
    return Panel(
        benchmark, method, seed, arrays, better or dict.fromkeys(values, "higher"), **known
    )


def test_target_metrics_are_near_the_mean_oracle():
    table = panel(
        {"FA": [0.0, 0.2, 0.3, 0.9]},
        {"FA": "target"},
        oracles={("b", "FA"): np.array([0.2, 0.4])},
    )
    assert aligned(table, "FA").values == pytest.approx([-0.3, -0.1, 0, -0.6])


def test_a_target_without_an_oracle_is_a_status():
    table = panel(
        {"FA": [0, 1, 2, 3], "oracle_distance": [0, 1, 2, 3]},
        {"FA": "target", "oracle_distance": "lower"},
    )
    found = associate(table, aligned(table, "FA"), aligned(table, "oracle_distance"), spearman)
    assert found.per_benchmark["b"].status == "missing_oracle"
    assert found.stratified.value is None
    assert found.stratified.status == "missing_oracle"


def test_stratified_is_the_mean_over_benchmarks_where_it_is_defined():
    table = panel(
        {"X": [1, 2, 3, 4, 4, 3, 2, 1, 5, 5, 5, 5], "Y": [1, 2, 3, 4, 1, 2, 4, 3, 1, 2, 3, 4]},
        benchmarks=("a", "b", "c"),
    )
    found = agreement(table, "X", "Y")
    assert found.stratified.value == pytest.approx((1 - 4 / 6) / 2)
    assert (found.stratified.groups_defined, found.stratified.groups) == (2, 3)
    assert found.per_benchmark["c"].status == "constant"


def test_constant_unresolved_and_too_few():
    table = panel(
        {
            "FA": [0.5] * 8,
            "RA": [0.50, 0.53, 0.51, 0.52, 0.52, 0.51, 0.53, 0.50],
            "MIA": [0.1, 0.1, 0.3, 0.3, 0.2, 0.2, 0.9, 0.9],
            "AD": [1, 1.1, 2, 2.1, 3, 3.1, 4, 4.1],
            "JS": [0.1, *[np.nan] * 7],
        },
        seeds=2,
        errors={"MIA": np.full(8, 0.5)},
        floors={("b", "AD"): np.array([5.0, 6.0])},
        statuses={"JS": np.array(["ok", *["collapsed"] * 7])},
    )
    found = {
        item.metric: (item.status, item.value) for item in find_degenerate(table, orders(table))
    }
    assert found == {
        "FA": ("constant", 0.5),
        "RA": ("unresolved", pytest.approx(0.03)),
        "JS": ("collapsed", None),
    }


def test_one_floor_wherever_three_oracles_are_looked_at():
    """Own values .1, .2, .4: mean difference .2, range .3. The audit, the score and the board agree."""
    table = panel(
        {"FA": [0.5, 0.6, 0.5, 0.5]},
        oracles={("b", "FA"): np.array([0.1, 0.2, 0.4])},
        originals={("b", "FA"): np.array([0.9])},
    )
    (noise,) = measure_noise(table, orders(table))
    assert noise.floor == pytest.approx(0.2)
    assert calibrate(table, "b", "FA").one == pytest.approx(0.2)


def test_accuracies_of_known_count_have_wilson_errors():
    table = panel(
        {"FA": [0, 0.5, 1, 0.25], "MIA": [0, 0.5, 1, 0.25]},
        counts={"FA": np.array([100, 100, 0, 100]), "MIA": np.full(4, 100)},
        errors={"FA": np.array([np.nan, 0.3, np.nan, np.nan])},
    )
    errors = standard_errors(table, "FA")
    assert errors[[0, 1, 3]] == pytest.approx(
        [float(wilson_error(0, 100)), 0.3, float(wilson_error(0.25, 100))]
    )
    assert np.isnan(errors[2])
    assert np.isnan(standard_errors(table, "MIA")).all()
    (noise,) = measure_noise(table, orders(table))
    assert noise.metric == "FA"
    assert noise.reliability is None


def test_sentinels_know_only_their_part():
    rng = np.random.default_rng(0)
    table = panel(
        {"X": rng.normal(size=24), "Y": rng.normal(size=24)}, seeds=3, benchmarks=("a", "b")
    )
    x, y = table.values["X"], table.values["Y"]
    found = sentinels(table, x, y, None)
    by_benchmark = np.repeat([x[:12].mean(), x[12:].mean()], 12)
    ranks = np.concatenate([rankdata(x[:12]), rankdata(x[12:])])
    by_method = np.array([ranks[table.method == m].mean() for m in table.method])
    assert found.benchmark_mean == pytest.approx(spearmanr(by_benchmark, y).statistic)
    assert found.method_identity == pytest.approx(spearmanr(by_method, y).statistic)
    assert found.random is None


def compared(a, b, gold, methods, seeds, resamples=2000):
    table = panel({"A": a, "B": b, "G": gold}, methods=methods, seeds=seeds)
    pairs = [Pair("A", "G"), Pair("B", "G")]
    (group,) = group_pairs(table, table.values, table.values, pairs)
    return compare("A", "B", "G", group, resamples, np.random.default_rng(0))


def test_a_metric_against_itself_and_against_noise():
    rng = np.random.default_rng(1)
    gold = rng.normal(size=30)
    same = compared(gold, 2 * gold + 1, gold, 30, 1)
    assert (same.difference, same.p) == (pytest.approx(0), pytest.approx(1))
    better = compared(gold + 0.1 * rng.normal(size=30), rng.normal(size=30), gold, 30, 1)
    assert better.difference > 0.5
    assert better.p < 0.01


def test_swaps_agree_with_a_slow_loop():
    rng = np.random.default_rng(2)
    a, b, gold = rng.normal(size=(3, 8))
    found = compared(a, b, gold, 4, 2)
    first, second = ((v - v.mean()) / v.std() for v in (a, b))
    differences = []
    for code in range(16):
        swapped = np.repeat([(code >> cell) & 1 for cell in range(4)], 2).astype(bool)
        left, right = np.where(swapped, second, first), np.where(swapped, first, second)
        differences.append(spearmanr(left, gold).statistic - spearmanr(right, gold).statistic)
    expected = np.mean(np.abs(differences) >= abs(differences[0]) - 1e-9)
    assert found.difference == pytest.approx(differences[0])
    assert found.p == pytest.approx(expected)


def test_comparisons_of_equal_metrics_are_rejected_at_the_level():
    rng = np.random.default_rng(3)
    rejected = 0
    for _ in range(200):
        gold = rng.normal(size=12)
        found = compared(gold + rng.normal(size=12), gold + rng.normal(size=12), gold, 12, 1, 199)
        rejected += found.p <= 0.05
    assert rejected <= 20


def test_soft_pairwise_accuracy_by_hand():
    methods = np.array([0, 0, 1, 1])
    x = np.array([3.0, 3.0, 1.0, 1.0])
    # Flips of the differences (2, 2): sums 4, 0, 0, -4; one of four reaches 4: mid-p 1/8.
    assert soft_pairwise_accuracy(x, x, methods) == 1
    # All are above the -4 of the reversed variable but itself: mid-p 7/8.
    assert soft_pairwise_accuracy(x, -x, methods) == pytest.approx(0.25)
    # Differences (2, -2): sums 0, 4, -4, 0; one is above 0 and two are equal: mid-p 1/2.
    assert soft_pairwise_accuracy(x, np.array([3.0, 1.0, 1.0, 3.0]), methods) == pytest.approx(
        1 - 3 / 8
    )


def test_soft_pairwise_accuracy_does_not_depend_on_the_methods_names():
    rng = np.random.default_rng(5)
    x, y = rng.integers(0, 3, (2, 12)).astype(float)
    methods = np.repeat(np.arange(4), 3)
    renamed = 3 - methods
    assert soft_pairwise_accuracy(x, y, methods) == pytest.approx(
        soft_pairwise_accuracy(x, y, renamed)
    )


def test_soft_pairwise_accuracy_needs_two_equal_numbers_of_seeds():
    x = np.arange(3.0)
    assert soft_pairwise_accuracy(x, x, np.array([0, 1, 2])) is None
    assert soft_pairwise_accuracy(x, x, np.array([0, 0, 1])) is None


def test_true_clusters_are_supported_and_noise_is_not():
    rng = np.random.default_rng(4)
    first, second = rng.normal(size=(2, 20))
    noise = 0.1 * rng.normal(size=(4, 20))
    values = {
        "A": first + noise[0],
        "B": first + noise[1],
        "C": second + noise[2],
        "D": second + noise[3],
    }
    for columns, supported in (
        (values, True),
        (dict(zip("ABCD", rng.normal(size=(4, 20)), strict=True)), False),
    ):
        table = panel(columns, methods=20)
        taus = {
            frozenset((a, b)): agreement(table, a, b).stratified.value
            for a in "ABCD"
            for b in "ABCD"
            if a < b
        }
        found = cluster(table, table.values, taus, 300, np.random.default_rng(0))
        assert (found.support > 0.95) == supported
        if supported:
            assert found.groups == (("A", "B"), ("C", "D"))


def test_a_metric_without_a_defined_tau_is_left_out_of_the_clusters():
    rng = np.random.default_rng(5)
    table = panel(
        {**dict(zip("ABC", rng.normal(size=(3, 10)), strict=True)), "D": np.ones(10)}, methods=10
    )
    taus = {
        frozenset((a, b)): agreement(table, a, b).stratified.value
        for a in "ABCD"
        for b in "ABCD"
        if a < b
    }
    found = cluster(table, table.values, taus, 100, np.random.default_rng(0))
    assert found.left_out == ("D",)
    assert len(found.together) == 3


def test_concordance_and_separation_take_the_mean_over_seeds():
    values = np.tile([1.0, 1.2, 2.0, 2.2, 3.0, 3.2], 2)
    table = panel({"X": values, "Y": values * 2}, methods=3, seeds=2, benchmarks=("a", "b"))
    assert [item.w for item in concordance(table, table.values)] == pytest.approx([1, 1])
    found = list(separations(table, table.values))
    assert found[0].test.mean_ranks.tolist() == [3, 2, 1]
    assert found[0].methods == ("m0", "m1", "m2")


def test_the_ceiling_comes_from_what_moves_methods_apart_and_not_from_shared_items():
    """Errors of items that all methods share lower no correlation; interactions with seeds do."""
    rng = np.random.default_rng(6)
    x = np.repeat(rng.normal(size=40), 4)
    noise = rng.normal(size=160)
    table = panel(
        {"AD": x + noise, "oracle_distance": -x},
        {"AD": "lower", "oracle_distance": "lower"},
        methods=40,
        seeds=4,
        errors={"AD": np.full(160, 5.0), "oracle_distance": np.zeros(160)},
    )
    (found,) = audit(table, rng=rng, resamples=50).reliability
    true = x[::4].var(ddof=1)
    assert found.ceiling == pytest.approx(np.sqrt(true / (true + 1 / 4)), abs=0.05)


@pytest.mark.parametrize(
    "values",
    [
        {"FA": [0.5] * 4, "oracle_distance": [1.0] * 4},
        {"FA": [np.nan] * 4, "oracle_distance": [1.0, 2, 3, 4]},
        {"FA": [0.1, 0.2, 0.3, 0.4]},
    ],
)
def test_tables_that_support_nothing_say_so(values):
    better = dict.fromkeys(values, "lower")
    found = audit(panel(values, better), rng=np.random.default_rng(0), resamples=50)
    assert found.verdicts
    for item in found.reliability:
        assert item.rho.stratified.value is None
        assert item.test is None


def test_one_method_cannot_be_tested():
    table = panel({"FA": [0.1, 0.2], "RA": [0.3, 0.5]}, methods=1, seeds=2)
    found = audit(table, rng=np.random.default_rng(0), resamples=50)
    assert found.design.min_p is None
    assert found.agreement[0].test is None
    assert (
        "No two methods can be exchanged, so no agreement or reliability of metrics can be tested."
        in found.verdicts
    )


def test_parts_as_dataframes():
    found = audit(
        panel({"FA": [1, 2, 3, 4], "RA": [1, 3, 2, 4]}), rng=np.random.default_rng(0), resamples=50
    )
    frame = found.to_dataframe("agreement")
    assert frame.loc[0, "stratified.tau_b"] == pytest.approx(4 / 6)
    assert len(found.to_dataframe("verdicts")) == len(found.verdicts)
    assert found.to_dataframe("design").loc[0, "methods"] == 4
    with pytest.raises(UserError, match="no part 'nothing'"):
        found.to_dataframe("nothing")
    with pytest.raises(UserError, match="number of resamples is 0"):
        audit(panel({"FA": [1, 2, 3, 4]}), rng=np.random.default_rng(0), resamples=0)


def test_oracles_far_apart_do_not_qualify_what_follows_the_oracle_distance():
    distance = [0.1, 0.2, 0.3, 0.4, 0.5] * 2
    values = {"RA": [5, 4, 3, 2, 1] * 2, "oracle_distance": distance}
    better = {"RA": "higher", "oracle_distance": "lower"}
    places = ("a", "b")
    floors = {(place, "oracle_distance"): np.array([0.9]) for place in places}
    table = panel(values, better, methods=5, benchmarks=places, floors=floors)
    found = audit(table, rng=np.random.default_rng(0))
    assert "RA follows the oracle distance within benchmarks (Holm, 5%)." in found.verdicts
    assert not any("noise" in verdict for verdict in found.verdicts)
    (item,) = found.reliability
    assert [cell.status for cell in item.rho.per_benchmark.values()] == ["ok", "ok"]


def test_a_coefficient_is_marked_where_a_metric_tells_no_two_methods_apart():
    rng = np.random.default_rng(1)
    steps = np.repeat(np.arange(5.0), 2) + 0.01 * rng.normal(size=10)
    values = {"RA": rng.normal(size=10), "oracle_distance": steps}
    table = panel(values, {"RA": "higher", "oracle_distance": "lower"}, methods=5, seeds=2)
    (item,) = audit(table, rng=rng, resamples=50).reliability
    assert item.rho.per_benchmark["b"].status == "unresolved"


def test_rows_without_values_are_no_part_of_the_design():
    nothing = [np.nan] * 5
    values = {"RA": [5, 4, 3, 2, 1, *nothing], "oracle_distance": [1, 3, 2, 4, 5, *nothing]}
    better = {"RA": "higher", "oracle_distance": "lower"}
    table = panel(values, better, methods=5, benchmarks=("a", "b"))
    found = audit(table, rng=np.random.default_rng(0)).design
    assert (found.rows, found.cells, found.benchmarks, found.arrangements) == (5, 5, 1, 120)
