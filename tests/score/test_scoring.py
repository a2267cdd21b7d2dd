"""UQS: hand-computed values, the published ones, invariances, bad tables."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from uqs import results
from uqs.errors import UserError
from uqs.records import Status
from uqs.results.tables import from_dataframe, from_rows
from uqs.score import score
from uqs.score.cube import UQS_METRICS
from uqs.score.export import tree
from uqs.score.words import coverage
from uqs.stats.ranksets import tie_groups

WIDE = Path(__file__).parents[2] / "studies" / "wide_results.parquet"


def by_method(result):
    return {one.method: one for one in result.methods}


def comparable(result):
    """Everything in the result, with methods by name."""
    return json.dumps(tree(result), sort_keys=True)


def test_published_weights_give_the_published_scores(study):
    found = by_method(score(study, "published"))
    printed = {
        "gradient_ascent": 0.6448,
        "random_labels": 0.6306,
        "salun": 0.6173,
        "finetune_retain": 0.5957,
    }
    assert {m: one.uqs for m, one in found.items()} == pytest.approx(printed, abs=5e-5)
    assert [one.rank for one in found.values()] == [1, 2, 3, 4]


def test_score_by_hand():
    frame = pd.DataFrame(
        {
            "benchmark": ["x", "x", "x", "y", "y"],
            "method": ["a", "a", "b", "a", "b"],
            "seed": [0, 1, 0, 0, 0],
            "FA": [0.2, 0.4, 0.5, 0.1, 0.9],
            "AD": [1.0, 1.0, 3.0, 3.0, 5.0],
        }
    )
    found = by_method(score(frame, {"FA": 3, "AD": 1}))
    assert found["a"].by_benchmark == pytest.approx({"x": 0.65, "y": 0.7375})
    assert found["b"].by_benchmark == pytest.approx({"x": 0.4375, "y": 0.1 * 0.75 + 0.25 / 6})
    # the published form transforms the mean over benchmarks: FA .2, AD 2
    assert found["a"].uqs == pytest.approx(0.75 * 0.8 + 0.25 / 3)
    assert found["b"].uqs == pytest.approx(0.75 * 0.3 + 0.25 / 5)


def test_calibrated_score_by_hand(calibrated_panel):
    found = by_method(score(calibrated_panel, form="calibrated"))
    assert found["good"].uqs == pytest.approx(1)
    poor = [0.4 / 0.7, 0.45 / 0.86, (0.6 - 0.3) / 0.56, 0.5, 0.25 / 0.4]
    assert found["poor"].uqs == pytest.approx(np.mean(poor))


def test_calibrated_score_of_a_long_results_table(calibrated_panel):
    """The same models as rows of a long table with roles and oracle seeds."""
    values = dict(calibrated_panel.values)
    values["FA"] = np.minimum(values["FA"], 1)
    references = {
        name: {
            key: np.minimum(found, 1) if key[1] == "FA" else found for key, found in known.items()
        }
        for name in ("originals", "oracles")
        for known in [getattr(calibrated_panel, name)]
    }
    part = replace(calibrated_panel, values=values, **references)
    rows = [
        ("unlearned", method, 0, None, metric, value)
        for metric, column in part.values.items()
        for method, value in zip(part.method, column, strict=True)
    ]
    for (_, metric), values in part.originals.items():
        oracle = 0 if metric in ("AD", "JS") else None
        rows += [("original", "none", s, oracle, metric, v) for s, v in enumerate(values)]
    for (_, metric), values in part.oracles.items():
        rows += [("oracle", "retrain", s, None, metric, v) for s, v in enumerate(values)]
    for (_, metric), values in part.floors.items():
        rows += [("oracle", "retrain", s, s + 1, metric, v) for s, v in enumerate(values)]
    columns = ["role", "method", "seed", "oracle_seed", "metric", "value"]
    frame = pd.DataFrame(rows, columns=columns).assign(benchmark="bench")
    expected = by_method(score(part, form="calibrated"))
    assert by_method(score(frame, form="calibrated")) == expected


def test_what_has_no_scale_is_left_out_and_said(calibrated_panel):
    originals = {**calibrated_panel.originals, ("bench", "JS"): np.array([0.04])}
    result = score(replace(calibrated_panel, originals=originals), form="calibrated")
    assert [(one.metric, one.status) for one in result.left_out] == [("JS", Status.NO_SCALE)]
    assert coverage(result) == [
        "bench: JS is left out for all methods"
        " (the original model is within the oracle's noise floor)."
    ]


def test_calibrated_score_needs_an_oracle(table):
    with pytest.raises(UserError, match="no metric can be used in the calibrated form: missing"):
        score(table, form="calibrated")


def seed_errors(runs):
    """Standard error of each method's mean over benchmarks, from a frame with the score of each run: that of
    the interactions of methods and seeds, pooled over a benchmark's methods, or the method's own if larger.
    What moves all methods alike is no error of their comparison."""
    total = 0.0
    for _, here in runs.groupby("benchmark"):
        table = here.pivot(index="method", columns="seed", values="run")
        methods, seeds = table.shape
        rest = table.sub(table.mean(axis=1), axis=0) - table.mean() + table.to_numpy().mean()
        own = (rest**2).sum(axis=1) / (seeds - 1) * methods / (methods - 1)
        total += own.clip(lower=own.mean()) / seeds
    return (np.sqrt(total) / runs["benchmark"].nunique()).to_dict()


def test_standard_error_is_that_of_the_mean_of_run_scores(table):
    """With linear terms the score is a mean of run scores, and its variance that of a stratified mean."""
    linear = {"FA": 1, "RA": 2, "MIA": 1, "JS": 1}
    found = by_method(score(table, linear))
    table["run"] = (1 - table.FA + 2 * table.RA + 1 - table.MIA + 1 - table.JS) / 5
    for method, rows in table.groupby("method"):
        cells = rows.groupby("benchmark")["run"]
        assert found[method].uqs == pytest.approx(cells.mean().mean())
        assert found[method].se == pytest.approx(seed_errors(table)[method])


def test_a_seed_that_moves_all_methods_alike_is_no_noise(table):
    table["FA"] *= 0.9
    before = score(table, {"FA": 1, "RA": 1})
    shift = table["seed"].map({0: 0.0, 1: 0.05, 2: 0.02})
    after = score(table.assign(FA=table["FA"] + shift), {"FA": 1, "RA": 1})
    for one, other in zip(before.methods, after.methods, strict=True):
        assert one.method == other.method
        assert one.se == pytest.approx(other.se)
        assert one.rank_interval == other.rank_interval


def test_equal_values_of_two_runs_are_no_sign_that_there_is_no_noise(table):
    """A method whose seeds happen to agree has the noise of the others."""
    lucky = table["method"] == table["method"].iloc[0]
    for metric in ("FA", "RA", "MIA", "AD", "JS"):
        means = table.groupby(["benchmark", "method"])[metric].transform("mean")
        table[metric] = table[metric].where(~lucky, means)
    found = by_method(score(table, {"FA": 1, "RA": 1}))
    assert found[table["method"].iloc[0]].se > 0


def test_methods_that_are_alike_are_told_apart_in_a_twentieth_at_most():
    """Shares of 20 questions, two or three seeds: many cells have equal values."""
    rng = np.random.default_rng(5)
    for seeds in (2, 3):
        apart = 0
        for _ in range(60):
            rows = [
                {"benchmark": "b", "method": f"m{m}", "seed": s, "FA": rng.binomial(20, 0.3) / 20}
                for m in range(4)
                for s in range(seeds)
            ]
            frame = pd.DataFrame(rows)
            if frame["FA"].nunique() > 1:
                found = score(frame, {"FA": 1}, draws=500).methods
                apart += any(one.rank_interval != (1, 4) for one in found)
        assert apart <= stats.binom.ppf(0.999, 60, 0.05)


def test_a_method_that_lost_runs_is_told(table):
    """The runs that are left are not passed off as all there were."""
    lost = (table["method"] == table["method"].iloc[0]) & (table["seed"] != table["seed"].iloc[0])
    for metric in ("FA", "RA", "MIA", "AD", "JS", "oracle_distance"):
        table[metric] = table[metric].where(~lost)
    name = table["method"].iloc[0]
    notes = " ".join(score(table).notes)
    assert f"{name} has no value in" in notes and "covers only the other runs" in notes


def test_item_noise_does_not_shrink_with_runs(table):
    table["RA_se"] = 0.03
    table["RA"] = table.groupby(["benchmark", "method"])["RA"].transform("mean")
    found = by_method(score(table, {"RA": 1}, questions="other"))
    # a little more: rounded values that agree could hide half a step
    assert all(1 <= one.se / (0.03 / np.sqrt(3)) < 1.05 for one in found.values())


def test_noise_within_a_benchmark_uses_its_own_terms(table):
    """With held-out weights the standard error is that of the mean over benchmarks of own scores."""
    result = score(table, "held-out")
    terms = np.column_stack(
        [1 - table.FA, table.RA, 1 - table.MIA, 1 / (1 + table.AD), 1 - table.JS]
    )
    row = table["benchmark"].map({b: i for i, b in enumerate(result.benchmarks)})
    table["run"] = (terms * result.weights.matrix[row]).sum(axis=1)
    expected = seed_errors(table)
    for method in expected:
        assert by_method(result)[method].se == pytest.approx(expected[method])


def test_a_single_run_tells_nothing_apart(make_table):
    result = score(make_table(runs=1))
    assert all(one.se is None for one in result.methods)
    assert {one.rank_interval for one in result.methods} == {(1, 5)}
    assert {one.tie_group for one in result.methods} == {1}
    assert any("single run" in note for note in result.notes)


def test_methods_that_are_equal_in_truth_are_seldom_told_apart():
    """End to end: three runs a cell, four equal methods; 5% of tables may separate any of them."""
    rng, tables, separated = np.random.default_rng(11), 40, 0
    keys = [(b, m, s) for b in "xyz" for m in "pqrs" for s in range(3)]
    for _ in range(tables):
        frame = pd.DataFrame(keys, columns=["benchmark", "method", "seed"])
        for metric in ("FA", "RA", "MIA", "JS"):
            frame[metric] = np.clip(0.5 + 0.1 * rng.standard_normal(len(keys)), 0, 1)
        frame["AD"] = 10 + rng.standard_normal(len(keys))
        intervals = {one.rank_interval for one in score(frame, draws=500).methods}
        separated += intervals != {(1, 4)}
    assert separated <= stats.binom.ppf(0.999, tables, 0.05)


def test_equal_methods_tie():
    """Two equal seeds are no proof that there is no noise: not even the third method is told apart."""
    rows = [
        {"benchmark": "x", "method": m, "seed": s, "FA": fa, "RA": 0.5}
        for m, fa in (("a", 0.3), ("b", 0.3), ("c", 0.1))
        for s in (0, 1)
    ]
    found = by_method(score(pd.DataFrame(rows)))
    assert {m: one.rank for m, one in found.items()} == {"c": 1, "a": 2, "b": 2}
    assert found["a"].rank_interval == found["b"].rank_interval == (1, 3)
    assert {one.tie_group for one in found.values()} == {1}
    assert found["c"].first_share == 1


def test_equal_methods_tie_below_one_that_is_told_apart(make_table):
    """`twin` has the values of m0."""
    table = make_table(runs=6)
    twin = table[table["method"] == "m0"].assign(method="twin")
    found = by_method(score(pd.concat([table, twin], ignore_index=True)))
    assert found["m0"].rank == found["twin"].rank
    assert found["m0"].tie_group == found["twin"].tie_group
    assert len({one.tie_group for one in found.values()}) > 1


@given(st.randoms(use_true_random=False), st.sampled_from(["equal", "held-out"]))
@settings(max_examples=8, deadline=None)
def test_row_and_column_order_do_not_matter(make_table, random, weights):
    frame = make_table()
    rows, columns = list(frame.index), list(frame.columns)
    random.shuffle(rows)
    random.shuffle(columns)
    straight = score(frame, weights, draws=300)
    shuffled = score(frame.loc[rows, columns], weights, draws=300)
    assert comparable(straight) == comparable(shuffled)


@given(st.permutations(["p", "q", "r", "s", "t"]))
@settings(max_examples=8, deadline=None)
def test_relabelled_methods_keep_their_scores(make_table, names):
    frame = make_table()
    new = dict(zip(sorted(set(frame["method"])), names, strict=True))
    before = by_method(score(frame, "held-out", draws=300))
    after = by_method(score(frame.assign(method=frame["method"].map(new)), "held-out", draws=300))
    for old, one in before.items():
        other = after[new[old]]
        assert (other.rank, other.rank_interval, other.tie_group, other.first_share) == (
            one.rank,
            one.rank_interval,
            one.tie_group,
            one.first_share,
        )
        assert other.uqs == pytest.approx(one.uqs, abs=1e-12)


@given(st.sampled_from(UQS_METRICS), st.floats(0, 1))
@settings(max_examples=8, deadline=None)
def test_a_constant_metric_moves_scores_alike_and_no_rank(make_table, metric, value):
    others = {m: 1 for m in UQS_METRICS if m != metric}
    frame = make_table()
    frame[metric] = value
    without = by_method(score(frame.drop(columns=metric), others, draws=50))
    result = score(frame, {**others, metric: 4}, draws=50)
    assert {(one.metric, one.benchmark) for one in result.constant} == {
        (metric, b) for b in result.benchmarks
    }
    assert {m: one.rank for m, one in by_method(result).items()} == {
        m: one.rank for m, one in without.items()
    }
    shifts = {round(2 * one.uqs - without[m].uqs, 9) for m, one in by_method(result).items()}
    assert len(shifts) == 1


def test_same_generator_same_answer(table):
    first, again, other = (
        comparable(score(table, "held-out", rng=np.random.default_rng(seed), draws=500))
        for seed in (3, 3, 4)
    )
    assert first == again
    assert first != other


def test_a_metric_that_one_method_lacks_is_left_out_for_all(table):
    full = by_method(score(table.drop(columns="JS"), draws=50))
    table.loc[table["method"] == "m0", "JS"] = np.nan
    result = score(table, draws=50)
    assert [(one.metric, one.status, one.missing) for one in result.left_out] == [
        ("JS", Status.TOO_FEW, 1)
    ] * 3
    assert {m: one.uqs for m, one in by_method(result).items()} == pytest.approx(
        {m: one.uqs for m, one in full.items()}
    )


def test_a_metric_missing_on_one_benchmark_counts_on_the_others(table):
    table.loc[table["benchmark"] == "bench1", "RA"] = np.nan
    result = score(table, {"FA": 1, "RA": 1}, draws=50)
    assert [(one.benchmark, one.metric) for one in result.left_out] == [("bench1", "RA")]
    one = by_method(result)["m0"]
    rows = table[table["method"] == "m0"]
    fa = rows.groupby("benchmark")["FA"].mean()
    ra = rows.groupby("benchmark")["RA"].mean().dropna()
    assert len(ra) == 2
    assert one.uqs == pytest.approx((1 - fa.mean() + ra.mean()) / 2)
    assert one.by_benchmark["bench1"] == pytest.approx(1 - fa["bench1"])


def test_a_method_without_every_benchmark_is_named_and_not_ranked(table):
    kept = table[(table["method"] != "m1") | (table["benchmark"] == "bench0")]
    result = score(kept, draws=50)
    assert result.partial == {"m1": 1}
    assert "m1" not in by_method(result)


def test_a_method_without_any_value_on_a_benchmark_has_no_run_there(table):
    gone = (table["method"] == "m1") & (table["benchmark"] == "bench0")
    table.loc[gone, list(UQS_METRICS)] = np.nan
    result = score(table, draws=50)
    assert result.partial == {"m1": 2}
    assert not result.left_out


def test_a_benchmark_without_any_model_is_named_with_its_status(table):
    panel = from_dataframe(table)
    gone = panel.benchmark == "bench1"
    values = {m: np.where(gone, np.nan, column) for m, column in panel.values.items()}
    statuses = {m: np.where(gone, "gate_failed", "ok") for m in panel.values}
    result = score(replace(panel, values=values, statuses=statuses), draws=50)
    assert result.benchmarks == ("bench0", "bench2")
    assert result.unmeasured == {"bench1": Status.GATE_FAILED}
    without = score(table[table["benchmark"] != "bench1"], draws=50)
    assert result.methods == without.methods
    assert any("bench1 has no measured model (gate_failed)" in line for line in coverage(result))


def test_a_run_without_a_value_is_left_out_of_its_mean(table):
    row = table.index[(table["method"] == "m2") & (table["benchmark"] == "bench0")][0]
    table.loc[row, "FA"] = np.nan
    expected = table[table["method"] == "m2"].groupby("benchmark")["FA"].mean().mean()
    result = score(table, {"FA": 1})
    assert by_method(result)["m2"].uqs == pytest.approx(1 - expected)
    assert [(one.benchmark, one.metric, one.method, one.known) for one in result.thin] == [
        ("bench0", "FA", "m2", 2)
    ]
    assert coverage(result) == [
        "bench0: FA of m2 is the mean of 2 of its 3 runs; the others have no value."
    ]


@pytest.mark.parametrize(
    ("change", "weights", "message"),
    [
        (lambda t: t[t["method"] == "m0"], "equal", "two methods or more .* not 1 of 1"),
        (
            lambda t: t[(t["method"] == "m0") == (t["benchmark"] == "bench0")],
            "equal",
            "not 0 of 5",
        ),
        (
            lambda t: t.assign(**dict.fromkeys(UQS_METRICS, 0.5)),
            "equal",
            "nothing can be ranked",
        ),
        (
            lambda t: t.assign(**dict.fromkeys(UQS_METRICS, np.nan)),
            "equal",
            "none of the metrics of UQS",
        ),
        (lambda t: t.drop(columns=list(UQS_METRICS)), "equal", "none of the metrics of UQS"),
        (
            lambda t: t.assign(FA=t["FA"] * 100),
            "equal",
            "row 1, field 'FA': .* outside 0 to 1; it looks like percent",
        ),
        (lambda t: t.assign(AD=-t["AD"] - 1), "equal", "row 1, field 'AD': .* outside 0 to inf"),
        (lambda t: t[t["benchmark"] == "bench0"], "held-out", "at least two benchmarks"),
        (lambda t: t.drop(columns="oracle_distance"), "held-out", "column oracle_distance"),
        (lambda t: t[t["method"].isin(["m0", "m1"])], "held-out", "at least 3 methods"),
        (lambda t: t.drop(columns="JS"), {"JS": 1}, "has no JS"),
        (
            lambda t: t.assign(FA=t["FA"].where(t["benchmark"] != "bench1")),
            {"FA": 1},
            "bench1 cannot be scored: none of its metrics",
        ),
        (lambda t: t, "no-such-file.yaml", "no such file; or equal, published, held-out"),
    ],
)
def test_bad_tables_and_weights_are_one_clear_error(table, change, weights, message):
    with pytest.raises(UserError, match=message) as error:
        score(change(table), weights)
    assert "\n" not in str(error.value)


def test_an_unknown_form_is_refused(table):
    with pytest.raises(UserError, match="unknown form 'oracle'"):
        score(table, form="oracle")


def test_one_benchmark_is_scored_and_says_what_it_cannot_check(table):
    result = score(table[table["benchmark"] == "bench0"])
    held = {(one.left_out, one.predictor): one for one in result.validation}
    assert held["benchmark", "held-out weights"].within.value is None
    assert held["benchmark", "held-out weights"].within.status is Status.TOO_FEW
    assert held["method", "held-out weights"].within.value is not None


def test_dataframe_and_json(table):
    result = score(from_dataframe(table), "held-out")
    frame = result.to_dataframe()
    assert frame["method"].tolist() == [one.method for one in result.methods]
    assert {"uqs", "rank_low", "rank_high", "uqs[bench0]"} <= set(frame)
    found = json.loads(json.dumps(tree(result), allow_nan=False))
    assert {"method", "uqs", "rank", "rank_interval", "tie_group", "first_share"} <= set(
        found["methods"][0]
    )
    assert {"weights", "validation", "stability"} <= set(found)
    assert sum(found["weights"].values()) == pytest.approx(1)
    assert set(found["weights_by_benchmark"]) == set(result.benchmarks)


def test_a_guardrail_that_answers_nothing_ties_with_no_method_that_is_told_from_it(monkeypatch):
    """The wide study at medium strength with its baselines ranked; chains made one group of nearly all."""
    seen = []

    def watched(estimates, above):
        seen.append(above)
        return tie_groups(estimates, above)

    monkeypatch.setattr("uqs.score.scoring.tie_groups", watched)
    kept = [
        replace(row, role="unlearned") if row.role == "baseline" else row
        for row in results.read(WIDE)
        if row.role != "unlearned" or row.strength == "medium"
    ]
    found = score(from_rows(kept), draws=2000, rng=np.random.default_rng(0))
    groups = {one.method: one.tie_group for one in found.methods}
    told = {(found.order[i], found.order[j]) for i, j in np.argwhere(seen[0] | seen[0].T)}
    assert not [pair for pair in told if groups[pair[0]] == groups[pair[1]]]
    above_it = [method for method, other in told if other == "guardrail" and method != "original"]
    assert len(above_it) >= 5
    assert {groups[method] for method in above_it}.isdisjoint({groups["guardrail"]})
    alone = [method for method, group in groups.items() if group == groups["original"]]
    assert alone == ["original"]
