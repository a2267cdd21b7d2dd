"""Validation finds what is there, does not learn from what is left out, and says when UQS loses."""

import numpy as np
import pytest
from scipy import stats

from uqs.records import Status
from uqs.results.tables import from_dataframe
from uqs.score import cube as cubes
from uqs.score import levels as levels_of
from uqs.score import score, words
from uqs.score.validation import leave_benchmark_out, leave_method_out


def held(result, scheme="benchmark"):
    return {one.predictor: one for one in result.validation if one.left_out == scheme}


@pytest.mark.parametrize("scheme", ["benchmark", "method"])
def test_a_good_score_follows_the_oracle(make_table, scheme):
    found = held(score(make_table(methods=8)), scheme)
    assert found["held-out weights"].within.value > 0.9
    assert found["held-out weights"].within.defined == 3


def test_equal_weights_within_is_the_mean_of_scipys_rho(table):
    means = table.groupby(["benchmark", "method"]).mean(numeric_only=True)
    uqs = 1 - means.FA + means.RA + 1 - means.MIA + 1 / (1 + means.AD) + 1 - means.JS
    rhos = [
        stats.spearmanr(uqs[b], -means.oracle_distance[b]).statistic
        for b in ("bench0", "bench1", "bench2")
    ]
    found = held(score(table))["equal weights"]
    assert found.within.value == pytest.approx(np.mean(rhos))
    assert found.pooled.value == pytest.approx(
        stats.spearmanr(uqs, -means.oracle_distance).statistic
    )


def test_weights_of_a_benchmark_do_not_see_its_oracle(make_table):
    table = make_table(methods=12)
    table["FA"] = np.random.default_rng(1).random(len(table))
    before = score(table, "held-out").weights.matrix
    row = table["benchmark"] == "bench1"
    table.loc[row, "oracle_distance"] = 2 - table.loc[row, "oracle_distance"]
    after = score(table, "held-out").weights.matrix
    assert (before[1] == after[1]).all()
    assert (before[0] != after[0]).any()


def cube_and_levels(frame):
    panel = from_dataframe(frame)
    cube = cubes.build(panel)
    levels = levels_of.by_benchmark(cube, levels_of.terms(cube, panel, "published"))
    return cube, levels, levels, np.random.default_rng(0)


def test_the_place_of_a_left_out_method_does_not_depend_on_its_oracle_distance(make_table):
    frame = make_table(methods=8)
    frame["FA"] = np.random.default_rng(0).random(len(frame))
    before = leave_method_out(*cube_and_levels(frame))
    frame.loc[frame["method"] == "m3", "oracle_distance"] = 99.0
    after = leave_method_out(*cube_and_levels(frame))
    assert (before.uqs[:, 3] == after.uqs[:, 3]).all()
    assert (before.best[:, 3] == after.best[:, 3]).all()


def test_the_score_of_a_left_out_benchmark_does_not_depend_on_its_oracle_distances(make_table):
    frame = make_table(methods=8)
    frame["FA"] = np.random.default_rng(0).random(len(frame))
    before = leave_benchmark_out(*cube_and_levels(frame))
    mine = frame["benchmark"] == "bench2"
    frame.loc[mine, "oracle_distance"] = 2 - frame.loc[mine, "oracle_distance"]
    after = leave_benchmark_out(*cube_and_levels(frame))
    assert (before.uqs[2] == after.uqs[2]).all()
    assert (before.uqs[0] != after.uqs[0]).any()


def test_learned_weights_find_the_one_metric_that_counts(make_table):
    """Four of five metrics are noise; learned weights must beat equal ones where nothing was learned."""
    table = make_table(methods=30, benchmarks=4)
    rng = np.random.default_rng(5)
    for metric in ("FA", "RA", "MIA", "JS"):
        noise = rng.random((4, 30))
        cell = list(
            zip(
                table["benchmark"].str[-1].astype(int),
                table["method"].str[1:].astype(int),
                strict=True,
            )
        )
        table[metric] = [noise[at] for at in cell]
    result = score(table, "held-out")
    assert (result.weights.matrix[:, 3] > 0.4).all()
    alone = held(result)["AD alone"].within.value
    for scheme in ("benchmark", "method"):
        found = held(result, scheme)
        assert found["held-out weights"].within.value > found["equal weights"].within.value
        assert found["best single metric in training"].within.value == pytest.approx(alone)


def test_on_noise_held_out_weights_are_nearly_equal_weights(make_table):
    """Oracle distances that no metric follows: the mean learned share over tables stays small."""
    shares = []
    for seed in range(15):
        table = make_table(seed, methods=6)
        distance = dict(
            zip(
                [(b, m) for b in sorted(set(table.benchmark)) for m in sorted(set(table.method))],
                np.random.default_rng(seed + 100).random(18),
                strict=True,
            )
        )
        table["oracle_distance"] = [
            distance[at] for at in zip(table.benchmark, table.method, strict=True)
        ]
        for metric in ("FA", "RA", "MIA", "AD", "JS"):
            rng = np.random.default_rng([seed, len(metric), ord(metric[0])])
            table[metric] = rng.random(len(table))
        shares.append(score(table, "held-out", draws=10).weights.learned.mean())
    assert np.mean(shares) < 0.25


def test_the_method_sentinel_knows_methods_and_no_metric(study):
    found = held(score(study))
    assert found["method identity"].within.value == pytest.approx(1)
    assert found["benchmark mean"].within.status is Status.CONSTANT
    assert found["RA alone"].within.defined == 1
    assert found["RA alone"].pooled.value == pytest.approx(0.482, abs=5e-4)


def test_it_says_so_where_uqs_loses(study):
    lines = words.validation(score(study, "held-out"))
    assert len(lines) == 2
    assert "rho +0.533" in lines[0]
    assert "UQS loses to method identity." in lines[0]


def test_weights_learned_elsewhere_are_validated_too(study):
    assert "weights: published" in held(score(study, "published"))
    assert "weights: published" in held(score(study, "published"), "method")


def test_weights_that_know_the_left_out_method_are_not_shown_as_if_they_did_not(table):
    result = score(table, "held-out", utility={"privacy": 1, "utility": 1})
    name = "weights: held-out, utility privacy=1, utility=1"
    assert name in held(result)
    assert name not in held(result, "method")


def test_without_an_oracle_there_is_a_status(table):
    result = score(table.drop(columns="oracle_distance"))
    assert result.validation is Status.MISSING_ORACLE
    assert words.validation(result) == [
        "UQS cannot be checked against the oracle: the table has no oracle to compare with."
    ]


def test_two_methods_are_too_few(table):
    result = score(table[table["method"].isin(["m0", "m1"])])
    assert result.validation is Status.TOO_FEW


def test_three_methods_cannot_be_left_out_one_by_one(table):
    result = score(table[table["method"].isin(["m0", "m1", "m2"])])
    assert held(result, "method")["held-out weights"].within.status is Status.TOO_FEW
    assert held(result)["held-out weights"].within.value is not None
