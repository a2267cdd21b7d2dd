"""Each short sentence on a table that makes it true, and on one that makes it false."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from uqs.audit import audit
from uqs.audit.design import LEAST_METHODS
from uqs.audit.short import MOST, in_short
from uqs.audit.verdicts import design_sentence

METRICS = {"FA": lambda s: 0.1 + 0.8 * s, "MIA": lambda s: 0.05 + 0.6 * s}


def rows_of(ladder_of, shares, *, metrics=METRICS, seeds=(0, 1, 2, 3), sd=0.01, extra=()):
    """A ladder, and unlearned methods that know `shares` of the forget set by every metric."""
    draw = np.random.default_rng(1)
    rows = ladder_of.trained(metrics, seeds=seeds, sd=sd)
    for at, share in enumerate(shares):
        for metric, response in metrics.items():
            for seed in seeds:
                rows.append(
                    {
                        "benchmark": "b",
                        "metric": metric,
                        "role": "unlearned",
                        "method": f"m{at}",
                        "seed": seed,
                        "value": response(share) + sd * draw.normal(),
                    }
                )
    return [*rows, *extra]


def read(ladder_of, rows):
    named = [{**row, "method": row.get("method") or row["role"]} for row in rows]
    return audited(ladder_of.form(named).drop(columns="stage"))


def short(ladder_of, shares=(0.2, 0.5, 0.8), **given):
    return read(ladder_of, rows_of(ladder_of, shares, **given))


def one(found, words):
    said = [sentence for sentence in found.in_short if words in sentence]
    assert len(said) == 1, found.in_short
    return said[0]


def none(found, words):
    assert not any(words in sentence for sentence in found.in_short), found.in_short


def wide(methods=6, seeds=2, **columns):
    keys = [(f"m{m}", s) for m in range(methods) for s in range(seeds)]
    method, seed = zip(*keys, strict=True)
    return pd.DataFrame({"benchmark": "b", "method": method, "seed": seed, **columns})


def audited(frame):
    return audit(frame, rng=np.random.default_rng(0), resamples=999)


def test_the_truth_comes_first_with_its_errors(ladder_of):
    found = short(ladder_of)
    said = found.in_short[0]
    assert said.startswith(
        "Of 2 metrics 2 say on all of 1 benchmark how much a retrained model knows"
    )
    for card in found.report_cards:
        assert f"{card.metric} {card.error:.2f}" in said
    assert "on none" not in said


def test_a_metric_that_does_not_follow_the_truth_is_named(ladder_of):
    draw = np.random.default_rng(5)
    flat = {**METRICS, "JS": lambda s: 0.3 + 0.01 * draw.normal()}
    said = short(ladder_of, metrics=flat).in_short[0]
    assert said.startswith("Of 3 metrics 2 say")
    assert said.endswith("; JS does on none.")


def test_without_references_the_truth_cannot_be_known():
    rng = np.random.default_rng(0)
    found = audited(wide(FA=rng.random(12), RA=rng.random(12)))
    assert found.in_short[0].startswith("Which metric follows the truth cannot be known")
    assert found.report_cards == ()


def test_who_is_deceived_and_who_is_not(ladder_of):
    hidden = ladder_of.others("suppressed", "refusal", {"FA": 0.05, "MIA": 0.55}, share=1.0)
    found = short(ladder_of, extra=hidden)
    assert one(found, "do not say it") == (
        "FA is deceived by models that know everything and do not say it; MIA is not."
    )
    assert {card.metric for card in found.report_cards if card.blind} == {"FA"}


def test_no_metric_is_deceived(ladder_of):
    hidden = ladder_of.others("suppressed", "refusal", {"FA": 0.8, "MIA": 0.55}, share=1.0)
    said = one(short(ladder_of, extra=hidden), "deceived")
    assert (
        said == "No such metric is deceived by models that do not say what they know: FA and MIA."
    )
    none(short(ladder_of), "deceived")


def test_who_takes_damage_for_forgetting(ladder_of):
    broken = ladder_of.others("damaged", "noise", {"FA": 0.3, "MIA": 0.55}, share=1.0)
    found = short(ladder_of, extra=broken)
    assert one(found, "damaged").startswith("FA takes models that are damaged")
    whole = ladder_of.others("damaged", "noise", {"FA": 0.8, "MIA": 0.55}, share=1.0)
    none(short(ladder_of, extra=whole), "damaged")


def test_contradictions_are_counted_and_say_what_they_are_held_against(ladder_of):
    flat = short(ladder_of)
    assert one(flat, "unlearned methods by benchmark").startswith("On none of 3")
    torn = rows_of(ladder_of, (0.2, 0.5, 0.8))
    for row in torn:
        if row.get("method") == "m0" and row["metric"] == "MIA":
            row["value"] += 0.5
    found = read(ladder_of, torn)
    said = one(found, "unlearned methods by benchmark")
    assert said.startswith("On 1 of 3 ")
    basis = {one.basis for one in found.profiles if one.ragged and one.role == "unlearned"}
    assert basis == {"benchmark"}
    assert "beyond what they do on retrained models" in said


def test_few_retrained_models_are_not_called_the_measure(ladder_of):
    found = short(ladder_of, seeds=(0, 1, 2))
    assert {one.basis for one in found.profiles} == {"normal"}
    assert "beyond normal noise" in one(found, "unlearned methods by benchmark")


def test_pairs_told_apart_are_those_of_the_orders():
    steady = np.repeat(np.arange(6.0), 2) / 10 + np.tile([0, 0.001], 6)
    noise = np.random.default_rng(0).random(12)
    found = audited(wide(FA=steady, RA=noise))
    said = one(found, "Pairs of methods")
    told = {item.metric: item.found.separated for item in found.resolution}
    assert told["FA"] == 1
    assert said.endswith(f"FA 100%, RA {told['RA']:.0%}.")


@pytest.mark.parametrize(
    "columns", [{"FA": np.linspace(0, 1, 6)}, {"FA": np.full(6, 0.5), "RA": np.linspace(0, 1, 6)}]
)
def test_without_repeats_nothing_is_told_apart(columns):
    found = audited(wide(seeds=1, **columns))
    assert one(found, "Whether any two methods differ").startswith("Whether any two methods differ")
    none(found, "Pairs of methods")


def test_models_told_from_an_oracle_are_counted(ladder_of):
    found = short(ladder_of)
    said = one(found, "one more oracle")
    counts = dict(re.findall(r"(\w+) (\d+ of \d+)", said))
    for metric in METRICS:
        own = [x for x in found.told if x.metric == metric and x.role == "unlearned"]
        assert counts[metric] == f"{sum(x.finding == 'told' for x in own)} of {len(own)}"


def test_two_oracles_tell_nothing(ladder_of):
    said = one(short(ladder_of, seeds=(0, 1)), "one more oracle")
    assert said.startswith("Whether a model is told from one more oracle cannot be known")


@pytest.mark.parametrize(("original", "rewarded"), [(0.1, True), (9.0, False)])
def test_doing_nothing_is_said_where_it_is_rewarded(original, rewarded):
    frame = wide(FA=np.linspace(0, 1, 12), oracle_distance=np.linspace(1, 2, 12)).assign(
        role="unlearned"
    )
    own = frame.iloc[:1].assign(role="original", method="original", oracle_distance=original)
    found = audited(pd.concat([frame, own], ignore_index=True))
    if rewarded:
        assert one(found, "nothing was unlearned") == (
            "To the oracles a model in which nothing was unlearned is as near as the methods are, by the "
            "oracle distance on 1 of 1 benchmark (0 of 6 methods are nearer there)."
        )
    else:
        none(found, "nothing was unlearned")


def test_agreement_is_counted_where_it_can_be_tested():
    rng = np.random.default_rng(0)
    base = np.repeat(np.arange(10.0), 2) / 20
    same = wide(methods=10, FA=base, MIA=base + 0.001 * rng.random(20), oracle_distance=base)
    found = audited(same)
    assert one(found, "pairs of metrics") == (
        "Of 1 pairs of metrics 1 are shown to agree on the order of methods and 0 to disagree (5%, "
        "corrected; 10 methods)."
    )
    assert one(found, "the oracle distance").startswith("FA and MIA follow the oracle distance")
    against = audited(same.assign(MIA=0.5 - base))
    assert "0 are shown to agree on the order of methods and 1 to disagree" in one(
        against, "pairs of metrics"
    )
    assert one(against, "the oracle distance").startswith("FA follows the oracle distance")


def test_four_methods_show_nothing_and_that_is_said():
    base = np.repeat(np.arange(4.0), 2) / 4
    found = audited(wide(methods=4, FA=base, MIA=base))
    said = one(found, "No agreement or reliability")
    assert said == design_sentence(found.design)
    assert f"with 4 methods: {LEAST_METHODS} are needed" in said
    assert said.endswith("no p can fall below 0.042.")  # 1 of 24 arrangements
    none(found, "pairs of metrics")


def test_methods_that_cannot_be_exchanged_are_the_reason_where_they_are():
    frame = pd.DataFrame(
        [
            {"benchmark": b, "method": f"m{m}", "seed": 0, "FA": m + 0.1, "RA": m + 0.2}
            for m in range(6)
            for b in ("a", "b", "c")
            if b == "a" or (m >> ("b", "c").index(b)) & 1
        ]
    )
    design = audited(frame.assign(FA=frame["FA"] / 10, RA=frame["RA"] / 10)).design
    assert design.methods == 6
    assert not design.testable
    assert "too few methods have values at the same places" in design_sentence(design)


def test_at_most_eight_sentences_and_those_are_the_first(ladder_of):
    found = short(ladder_of)
    assert len(found.in_short) <= MOST
    assert in_short(replace(found, verdicts=())) == found.in_short
