"""Report cards, known shares and profiles on tables whose truth is known."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from uqs.audit.known_shares import known_shares
from uqs.audit.ladder import models_of
from uqs.audit.profiles import profiles
from uqs.audit.report_cards import MARGIN, report_cards
from uqs.records import TRAINED
from uqs.stats.response import fit, leave_one_seed_out_error

STEEP = {"FA": lambda s: 20 * s, "JS": lambda s: 30 * s, "MIA": lambda s: -25 * s}
ALL = {"FA": 20.0, "JS": 30.0, "MIA": -25.0}


def at(share):
    return {name: share * one for name, one in ALL.items()}


def card(cards, metric):
    (found,) = [one for one in cards if one.metric == metric]
    return found


def test_a_card_has_the_response_of_the_ladder(ladder_of):
    long = ladder_of.form(ladder_of.trained(STEEP))
    cards = report_cards(long)
    assert [one.metric for one in cards] == ["FA", "JS", "MIA"]
    own = long[(long.metric == "MIA")]
    shares, values = own.share.to_numpy(float), own.value.to_numpy(float)
    found = card(cards, "MIA")
    assert found.response == fit(shares, values)
    assert found.error == leave_one_seed_out_error(shares, values, own.seed.to_numpy(int))
    assert found.chance == pytest.approx(np.std([0, 0.25, 0.5, 0.75, 1]))
    assert found.gap == found.response.smallest_gap()
    assert found.rho == pytest.approx(
        own[["share", "value"]].astype(float).corr("spearman").iloc[0, 1]
    )
    assert found.usable and found.headline
    assert (found.suppressed, found.damaged) == ((), ())


def test_why_a_metric_is_not_usable(ladder_of):
    rows = ladder_of.trained(
        {
            "FA": lambda s: 20 * s,
            "JS": lambda s: 0.5 * s,
            "AD": lambda s: 30 * abs(s - 0.5),
            "TR": lambda s: 20 * (s > 0.9),
        }
    )
    rows += [{**row, "metric": "CKA", "value": 1.0} for row in rows if row["metric"] == "FA"]
    cards = report_cards(ladder_of.form(rows))
    assert {one.metric: one.why for one in cards} == {
        "FA": "",
        "JS": "too_weak",
        "AD": "not_monotone",
        "TR": "too_coarse",
        "CKA": "no_response",
    }


def test_without_seeds_no_error_is_known(ladder_of):
    rows = [{**row, "method": str(row["seed"]), "seed": 0} for row in ladder_of.trained(STEEP)]
    cards = report_cards(ladder_of.form(rows))
    assert {(one.why, one.error) for one in cards} == {("not_judged", None)}


def test_health_and_tables_without_references_have_no_card(ladder_of):
    rows = ladder_of.trained({"UNREAD": lambda s: s, "FA": lambda s: s})
    assert [one.metric for one in report_cards(ladder_of.form(rows))] == ["FA"]
    without = [row for row in rows if row["role"] != "reference"]
    assert report_cards(ladder_of.form(without)) == ()
    assert report_cards(ladder_of.form(rows).drop(columns="share")) == ()


def test_blind_and_fooled(ladder_of):
    rows = ladder_of.trained(STEEP)
    rows += ladder_of.others("suppressed", "refusal", {"FA": 2, "JS": 80, "MIA": -24.9}, share=1.0)
    rows += ladder_of.others("damaged", "noise", {"FA": 20, "JS": 15, "MIA": 20}, share=1.0)
    cards = report_cards(ladder_of.form(rows))
    blind = {one.metric: [judged.method for judged in one.blind] for one in cards}
    fooled = {one.metric: [judged.method for judged in one.fooled] for one in cards}
    assert blind == {"FA": ["refusal"], "JS": [], "MIA": []}
    assert fooled == {"FA": [], "JS": ["noise"], "MIA": ["noise"]}
    (judged,) = card(cards, "FA").blind
    assert (judged.runs, judged.truth) == (3, 1)
    assert judged.share.high < 1 - MARGIN
    assert card(cards, "JS").suppressed[0].share.off == "above"
    assert card(cards, "MIA").fooled[0].share.off == "below"


def test_a_near_miss_is_none(ladder_of):
    rows = ladder_of.trained(STEEP)
    rows += ladder_of.others("damaged", "noise", {"FA": 18.5}, share=1.0)
    assert card(report_cards(ladder_of.form(rows)), "FA").fooled == ()


def test_an_unlearned_model_and_the_mean_of_its_runs(ladder_of):
    rows = ladder_of.trained(STEEP) + ladder_of.others("unlearned", "npo", at(0.4))
    long = ladder_of.form(rows)
    cards = report_cards(long)
    found = [one for one in known_shares(long, cards) if one.method == "npo" and one.metric == "FA"]
    assert [one.seed for one in found] == [0, 1, 2, None]
    response = card(cards, "FA").response
    assert found[0].share == response.known_share(8.0)
    mean = found[-1]
    assert (mean.runs, mean.starts, mean.value) == (3, 3, pytest.approx(8.1))
    assert mean.share == response.known_share(8.1, runs=3)
    errors = response.errors(3)
    assert mean.offsets == pytest.approx((8.1 - np.array(response.means)) / errors)


def test_runs_from_one_original_share_its_noise(ladder_of):
    rows = ladder_of.trained(STEEP) + ladder_of.others("unlearned", "npo", at(0.4), seeds=(0, 7, 8))
    long = ladder_of.form(rows)
    cards = report_cards(long)
    mean = next(one for one in known_shares(long, cards) if one.seed is None and one.metric == "FA")
    assert (mean.runs, mean.starts) == (3, 1)
    assert mean.share == card(cards, "FA").response.known_share(8.1)


def test_the_spread_of_methods_counts_where_it_is_larger(ladder_of):
    rows = ladder_of.trained(STEEP)
    for at_, row in enumerate(ladder_of.others("unlearned", "npo", {"FA": 8.0})):
        rows.append({**row, "value": 8.0 + 4 * at_})
    rows += ladder_of.others("unlearned", "steady", {"FA": 8.0})
    long = ladder_of.form(rows)
    cards = report_cards(long)
    response = card(cards, "FA").response
    found = {(one.method, one.seed): one for one in known_shares(long, cards) if one.metric == "FA"}
    pooled = np.sqrt((4.0**2 + 0.1**2) / 2)
    assert found["steady", 0].share == response.known_share(8.0, spread=pooled)
    assert found["npo", None].share == response.known_share(12.0, runs=3, spread=4.0)


def test_models_of_the_ladder_are_judged_without_their_seed(ladder_of):
    rows = ladder_of.trained(STEEP, seeds=(0, 1, 2, 3))
    same = [row for row in rows if row["role"] == "original" and row["seed"] == 2]
    rows += [{**row, "role": "baseline", "share": None} for row in same]
    long = ladder_of.form(rows)
    shares = known_shares(long, report_cards(long))
    own = models_of(long)
    for one in shares:
        kept = own[
            (own.metric == one.metric) & own.role.isin(list(TRAINED)) & (own.seed != one.seed)
        ]
        response = fit(kept.share.to_numpy(float), kept.value.to_numpy(float))
        assert one.share == response.known_share(one.value)
    assert len(shares) == 3 * (5 * 4 + 1)
    baseline = next(one for one in shares if one.role == "baseline")
    original = next(one for one in shares if one.role == "original" and one.seed == 2)
    assert baseline.share == original.share
    assert (baseline.truth, original.truth) == (None, 1)


def test_only_usable_metrics_say_what_a_model_knows(ladder_of):
    rows = ladder_of.trained({**STEEP, "AD": lambda s: 0.0})
    long = ladder_of.form(rows)
    assert {one.metric for one in known_shares(long, report_cards(long))} == set(STEEP)


def drawn_profiles(ladder_of, values, benchmarks=("b",), seeds=(0, 1, 2, 3)):
    rows = []
    for number, name in enumerate(benchmarks):
        rows += ladder_of.trained(STEEP, seeds=seeds, benchmark=name, rng=number)
        rows += ladder_of.others("unlearned", "npo", values, benchmark=name)
    long = ladder_of.form(rows)
    cards = report_cards(long)
    return profiles(known_shares(long, cards), cards)


def test_a_flat_and_a_ragged_profile(ladder_of):
    flat = [one for one in drawn_profiles(ladder_of, at(0.4)) if one.method == "npo"]
    assert [one.seed for one in flat] == [0, 1, 2, None]
    assert not any(one.ragged for one in flat)
    assert flat[-1].common == pytest.approx(0.4, abs=0.1)
    assert [part.metric for part in flat[-1].parts] == ["FA", "JS", "MIA"]
    ragged = [
        one for one in drawn_profiles(ladder_of, {**at(0.4), "FA": 18.0}) if one.method == "npo"
    ]
    assert all(one.ragged for one in ragged)
    assert {one.most for one in ragged} == {"FA"}
    assert {one.least for one in ragged} <= {"JS", "MIA"}
    for one in ragged:
        offsets = {part.metric: part.offset for part in one.parts}
        assert offsets[one.most] == max(offsets.values()) > 0 > min(offsets.values())
    assert all(one.p_normal < 0.01 for one in ragged)


def test_p_is_a_rank_among_left_out_models(ladder_of):
    found = drawn_profiles(ladder_of, at(0.4))
    left = [one for one in found if one.role in TRAINED]
    assert len(left) == 20
    for one in found:
        rest = [other.p_normal for other in left if other is not one]
        assert one.references == len(rest)
        expected = (1 + sum(p <= one.p_normal for p in rest)) / (1 + len(rest))
        assert one.p_references == pytest.approx(expected)
        assert one.basis == "benchmark"
    assert sum(one.ragged for one in left) <= 1


def test_few_models_are_pooled_over_benchmarks_or_noise_is_taken_as_normal(ladder_of):
    alone = drawn_profiles(ladder_of, at(0.4), seeds=(0, 1, 2))
    npo = next(one for one in alone if one.method == "npo")
    assert (npo.basis, npo.references, npo.p) == ("normal", 15, npo.p_normal)
    together = drawn_profiles(ladder_of, at(0.4), ("a", "b"), seeds=(0, 1, 2))
    assert {(one.basis, one.references) for one in together if one.method == "npo"} == {
        ("all_benchmarks", 30)
    }


def test_one_metric_is_no_profile(ladder_of):
    long = ladder_of.form(ladder_of.trained({"FA": STEEP["FA"]}))
    cards = report_cards(long)
    assert profiles(known_shares(long, cards), cards) == ()


def test_other_splits_are_in_no_profile(ladder_of):
    rows = ladder_of.trained(STEEP)
    rows += [{**row, "split": "forget/pictured"} for row in rows if row["metric"] == "FA"]
    long = ladder_of.form(rows)
    cards = report_cards(long)
    assert [one.headline for one in cards if one.metric == "FA"] == [True, False]
    found = profiles(known_shares(long, cards), cards)
    assert {len(one.parts) for one in found} == {3}


def test_everything_survives_json(ladder_of):
    rows = ladder_of.trained({**STEEP, "CKA": lambda s: 0.0}) + ladder_of.others(
        "unlearned", "npo", {**at(3.0), "FA": 1.0}
    )
    rows += ladder_of.others("suppressed", "refusal", at(-1), share=1.0)
    long = ladder_of.form(rows)
    cards = report_cards(long)
    shares = known_shares(long, cards)
    for one in (*cards, *shares, *profiles(shares, cards)):
        tree = asdict(one)
        assert json.loads(json.dumps(tree, allow_nan=False)).keys() == tree.keys()


def test_attacked_models_and_bounds_are_left_out(ladder_of):
    rows = ladder_of.trained(STEEP)
    whole = models_of(ladder_of.form(rows))
    more = [{**rows[0], "stage": "relearned", "value": 99.0}]
    more += [{**rows[0], "seed": 9, "status": "lower_bound"}]
    pd.testing.assert_frame_equal(models_of(ladder_of.form(rows + more)), whole)
