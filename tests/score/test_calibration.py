"""The form calibrated by references: known shares, gates, and models that only look as if they forgot."""

import numpy as np
import pandas as pd
import pytest

from uqs.audit.report_cards import REASONS
from uqs.records import Status
from uqs.results.tables import long_form, to_panel
from uqs.score import score, words
from uqs.score.calibration import calibration
from uqs.score.export import tree
from uqs.stats.response import fit


def by_method(result):
    return {one.method: one for one in result.methods}


def scored(long, **options):
    return score(to_panel(long, "ladder"), long=long, draws=500, **options)


def test_known_shares_are_on_straight_lines_between_the_rungs():
    shares = [0, 0, 0.5, 0.5, 1, 1]
    falling = fit(shares, [0.9, 0.9, 0.5, 0.5, 0.3, 0.3])
    found = falling.estimates(np.array([0.95, 0.9, 0.7, 0.5, 0.4, 0.3, 0.1]))
    assert found == pytest.approx([0, 0, 0.25, 0.5, 0.75, 1, 1])
    flat = fit(shares, [0.1, 0.1, 0.1, 0.1, 0.5, 0.5])
    assert flat.estimates(np.array([0.1])) == pytest.approx([0.25])
    assert flat.estimates([0.05, 0.6]).tolist() == [
        0,
        1,
    ]  # beyond the ends, not the middle of the flat
    assert np.isnan(flat.estimates(np.array([np.nan]))).all()


def test_it_is_the_default_where_every_benchmark_has_references(ladder, table):
    assert scored(ladder).form == "calibrated"
    assert scored(ladder, form="published").form == "published"
    assert score(table).form == "published"
    bare = ladder[~((ladder["benchmark"] == "mmubench") & (ladder["role"] == "reference"))]
    assert scored(bare).form == "published"


def test_a_reference_scores_by_what_it_does_not_know(ladder):
    """At full RA the score is 1 - share. MIA is flat from 0 to 0.25 on unlok_vqa: there both are 0.125."""
    found = by_method(scored(ladder))
    assert found["retrain"].uqs > 0.93
    for benchmark, share, slack in (
        ("mllmu_bench", 0.25, 0.05),
        ("mmubench", 0.2, 0.05),
        ("unlok_vqa", 0.25, 0.13),
    ):
        own = found["retrain_part0.25"].by_benchmark[benchmark]
        assert own == pytest.approx(1 - share, abs=slack)
    assert found["original"].uqs == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize("weights", ["equal", "references"])
def test_models_that_only_look_as_if_they_forgot_are_below_those_that_did(ladder, weights):
    """Suppressed, damaged, a guardrail: all know everything. The published form puts suppression third."""
    found = by_method(scored(ladder, weights=weights))
    for looks in ("refusal", "guardrail", "noise0.2", "noise0.4", "original"):
        for forgot in ("retrain", "retrain_part0.25", "retrain_part0.5"):
            assert found[looks].uqs < found[forgot].uqs
            assert found[looks].tie_group > found[forgot].tie_group
            assert found[looks].rank_interval[0] > found[forgot].rank_interval[1]
    published = by_method(scored(ladder, form="published"))
    assert published["refusal"].uqs > published["retrain_part0.5"].uqs


def test_it_holds_for_models_of_a_seed_that_is_not_in_the_ladder(known_models, as_methods):
    models = as_methods(known_models, seeds=(0,))
    kept = models[
        (models["role"] == "unlearned")
        | (models["seed"] != 0)
        | ~models["role"].isin(["reference", "original"])
    ]
    found = by_method(scored(long_form(kept)))
    worst = min(found[name].uqs for name in ("retrain", "retrain_part0.25", "retrain_part0.5"))
    assert max(found[name].uqs for name in ("refusal", "guardrail", "noise0.4")) < worst - 0.1


def test_a_model_that_broke_what_it_should_keep_loses_as_much_of_its_score(ladder):
    broken = ladder.copy()
    own = (broken["method"] == "retrain_part0.25") & (broken["role"] == "unlearned")
    broken.loc[own & (broken["metric"] == "RA"), "value"] *= 0.5
    before, after = scored(ladder), scored(broken)
    intact, halved = (by_method(one)["retrain_part0.25"].uqs for one in (before, after))
    # up to one standard deviation of RA between references costs nothing
    assert 0.5 * intact <= halved < 0.52 * intact
    for gates in after.gates.values():
        assert gates["retrain_part0.25"]["utility"] == pytest.approx(0.5, abs=0.02)
    broken.loc[own & (broken["metric"] == "RA"), "value"] = 0.0
    assert by_method(scored(broken))["retrain_part0.25"].uqs == 0


def test_gates_are_open_for_references_and_shut_for_what_is_like_none(ladder):
    for gates in scored(ladder).gates.values():
        assert gates["retrain_part0.5"]["agreement"] > 0.95
        assert gates["refusal"]["agreement"] < 0.3
        assert gates["guardrail"]["agreement"] < 0.05


def test_what_does_not_follow_the_ladder_is_left_out_with_its_reason(ladder):
    """Membership that does not fall with the share has no term; distances never have one."""
    blunt = ladder.copy()
    own = (blunt["benchmark"] == "mmubench") & (blunt["metric"] == "MIA")
    blunt.loc[own, "value"] = 0.5
    result = scored(blunt)
    assert [(one.benchmark, one.metric) for one in result.left_out] == [("mmubench", "MIA")]
    assert result.left_out[0].status is Status.NO_SCALE
    reasons = {line.partition("(")[2] for line in words.coverage(result) if "MIA is left" in line}
    assert len(reasons) == 1
    assert reasons <= {f"{reason})." for reason in REASONS.values()}


def test_values_off_the_ladder_are_said(ladder):
    result = scored(ladder)
    assert result.off_ladder["mllmu_bench"]["refusal"] == {"FA": "below", "JS": "above"}
    said = " ".join(words.coverage(result))
    assert "Off the ladder: by FA " in said
    assert "refusal on mllmu_bench" in said
    assert tree(result)["off_ladder"]["mllmu_bench"]["refusal"]["FA"] == "below"
    assert tree(result)["gates"]["mllmu_bench"]["refusal"]["agreement"] < 0.01


def test_one_metric_alone_cannot_recognise_a_model_that_hides_what_it_knows(ladder):
    only = ladder[ladder["metric"].isin(["FA", "RA"])]
    result = scored(only)
    assert any("one metric alone follows the known share" in note for note in result.notes)
    assert by_method(result)["refusal"].uqs > by_method(result)["retrain_part0.5"].uqs


def test_a_table_without_references_has_no_ladder(table):
    assert not calibration(long_form(table))
    assert not calibration(long_form(pd.DataFrame(table)))
