"""Does the score order methods by what can be got back? Printed where it loses."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from uqs.results.tables import from_dataframe, to_panel
from uqs.score import cube as cubes
from uqs.score import score, words
from uqs.score.export import tree
from uqs.score.recovery import recovered


@pytest.fixture
def attacked(make_table):
    """Attacks recover the more, the worse a method is; relearning the other way round."""
    table = make_table(methods=6)
    rank = table["method"].str[1:].astype(int)
    bad = table.groupby("method")["FA"].transform("mean")
    return table.assign(KR=bad / 2, KR_IMP=0.01 * rank, RELEARN=1 - bad)


def held(result, target):
    return {one.predictor: one for one in result.recovery if one.target == target}


def test_it_is_the_mean_of_scipys_rho_within_benchmarks(attacked):
    result = score(attacked)
    means = attacked.groupby(["benchmark", "method"])[["KR", "KR_IMP", "FA"]].mean()
    worst = means[["KR", "KR_IMP"]].max(axis=1)
    rhos = [
        stats.spearmanr(
            [one.by_benchmark[b] for one in sorted(result.methods, key=lambda one: one.method)],
            -worst[b],
        ).statistic
        for b in result.benchmarks
    ]
    found = held(result, "strongest attack")
    assert found["weights: equal"].within.value == pytest.approx(np.mean(rhos))
    alone = [stats.spearmanr(-means["FA"][b], -worst[b]).statistic for b in result.benchmarks]
    assert found["FA alone"].within.value == pytest.approx(np.mean(alone))


def test_it_says_where_the_score_loses(attacked):
    lines = words.recovery(score(attacked))
    assert len(lines) == 2
    assert lines[0].startswith("By what relearning brings back UQS with weights: equal orders")
    assert "rho -" in lines[0]
    assert "UQS loses to" in lines[0] or "Nothing with the same coverage does better" in lines[0]
    assert "By what the strongest attack recovers" in lines[1]
    found = tree(score(attacked))["recovery"]
    assert {one["target"] for one in found} == {"relearning", "strongest attack"}


def test_the_best_single_metric_does_not_see_the_left_out_benchmark(attacked):
    before = score(attacked)
    changed = attacked.copy()
    own = changed["benchmark"] == "bench0"
    changed.loc[own, "RELEARN"] = 1 - changed.loc[own, "RELEARN"]
    after = score(changed)
    for name in ("weights: equal", "best single metric in training"):
        assert (
            held(before, "relearning")[name].within.value
            != held(after, "relearning")[name].within.value
        )
    assert [one.uqs for one in before.methods] == [one.uqs for one in after.methods]


def test_above_the_oracle_is_preferred_in_a_long_table(ladder):
    cube = cubes.build(to_panel(ladder, "ladder"))
    found = recovered(to_panel(ladder, "ladder"), cube, ladder)
    assert set(found) == {"strongest attack"}
    own = ladder[(ladder["role"] == "unlearned") & (ladder["method"] == "refusal")]
    own = own[own["metric"].isin(["KR", "KR_IMP"]) & (own["split"] == "forget/above_oracle")]
    means = own.groupby(["benchmark", "metric"])["value"]
    at = cube.methods.index("refusal")
    expected = means.mean().groupby("benchmark").max()
    assert found["strongest attack"][:, at] == pytest.approx(expected.to_numpy())
    assert np.isnan(found["strongest attack"][:, cube.methods.index("guardrail")]).all()


def test_a_table_without_attacks_has_no_such_check(table):
    result = score(table)
    assert result.recovery == ()
    assert words.recovery(result) == []
    panel = from_dataframe(pd.DataFrame(table))
    assert recovered(panel, cubes.build(panel)) == {}
