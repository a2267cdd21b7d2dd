"""The report of a run: its chapters in order, and every sentence held against what it is made from."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from html import unescape
from pathlib import Path

import pytest

from uqs.audit.do_nothing import DoNothing
from uqs.audit.short import by_topic
from uqs.report.analysis import Analysis, NoRanking, analyse
from uqs.report.gates import Check, Gates
from uqs.report.story import page
from uqs.report.story.metrics import said, trusted, usable
from uqs.report.story.models import TINY, asked, models
from uqs.report.story.next_steps import NOTHING, next_steps
from uqs.report.story.page import CHAPTERS
from uqs.report.story.ranking import limits, methods
from uqs.results import Row
from uqs.score import score

MakeRun = Callable[..., Path]


@pytest.fixture(scope="module")
def whole(ladder_run: Path) -> Analysis:
    """A run with a ladder, whose gates passed."""
    return analyse(ladder_run)


def steps(found: Analysis) -> str:
    return "\n".join(next_steps(found).sentences)


def test_the_story_is_told_in_order(whole: Analysis) -> None:
    text = page(whole)
    assert re.findall(r"<h2>([^<]*)</h2>", text) == [
        "1. What was asked",
        "2. The models, and whether they passed",
        "3. Which metrics can be trusted here",
        "4. What they say",
        "5. Which methods can be told apart",
        "6. What cannot be said",
        "7. What to do next",
    ]
    shown = [unescape(one) for one in re.findall(r"<li>(.*?)</li>", text)]
    assert shown == [one for chapter in CHAPTERS for one in chapter(whole).sentences]
    for about, chapter in (
        ("trust", trusted),
        ("knowledge", said),
        ("methods", methods),
        ("limits", limits),
    ):
        assert set(by_topic(whole.audit)[about]) <= set(chapter(whole).sentences)
    assert page(whole) == text


def test_the_page_loads_and_runs_nothing_and_prints_on_a4(whole: Analysis) -> None:
    text = page(whole)
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert unescape(policy).startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "<script" not in text and "http://" not in text and "src=" not in text
    assert "@page { size: A4;" in style and "@media print" in style
    assert len(text) < 200_000


def test_what_was_asked(whole: Analysis) -> None:
    first, named, base, tiny = asked(whole).sentences
    assert first == (
        "Which of 7 metrics say truly what a model has forgotten, and which of 4 methods forgets best?"
        " Asked on 3 benchmarks (mllmu_bench, mmubench and unlok_vqa), with 3 seeds a method."
    )
    assert named == "Methods: finetune_retain, gradient_ascent, random_labels and salun."
    assert (base, tiny) == ("Base model: tiny_llava.", TINY)
    real = replace(whole, rows=[replace(row, edition="full") for row in whole.rows])
    assert TINY not in asked(real).sentences


def test_the_models_and_their_gates(whole: Analysis) -> None:
    made, passed = models(whole).sentences
    assert made == (
        "Made and measured: 36 unlearned models, 9 originals, 9 oracles, 9 references, 9 suppressed"
        " models and 9 damaged models."
    )
    assert passed == "All 3 checks passed on mllmu_bench, mmubench and unlok_vqa."
    (known,) = models(whole).sheets
    assert known.columns == (
        "benchmark",
        "FA, original",
        "FA, oracles",
        "RA, original",
        "RA, oracles",
    )
    assert known.rows[0][1].startswith("0.980 ±") and known.rows[0][2].startswith("0.200 ±")
    none = models(replace(whole, gates={})).sentences
    assert none[1] == (
        "The run has no gates: nothing checked that the models are what they are called."
    )
    assert models(replace(whole, cautions=("b: knows it",))).sentences[-1] == "b: knows it."
    many = models(replace(whole, cautions=tuple(f"b{at}" for at in range(9)))).sentences
    assert many[-2:] == ["b5.", "3 more warnings of this kind: on the board."]


def test_a_failed_gate_is_told_and_answered(whole: Analysis) -> None:
    failed = replace(whole.gates["mmubench"].checks[0], value=0.91, passed=False)
    found = replace(whole, gates={**whole.gates, "mmubench": Gates(False, (failed,))})
    told = models(found).sentences
    assert "All 2 checks passed on mllmu_bench and unlok_vqa." in told
    assert told[-1] == (
        "mmubench failed its gates, and nothing was unlearned on it: The oracle must know the retain set:"
        " oracle 0 has 0.910; asked for: at least 0.950."
    )
    assert "Train the originals and oracles of mmubench until they pass their gates" in steps(found)
    titles = [sheet.title for sheet in said(found).sheets]
    assert titles == ["Results on mllmu_bench", "Results on unlok_vqa"]


def test_a_model_that_was_left_out_is_told(whole: Analysis) -> None:
    knows = Check("oracle_forget_entities", "oracle_1", 0.25, 0.125, "below", False)
    gates = Gates(True, (*whole.gates["mmubench"].checks, knows), ("oracle_1",))
    lost = [row for row in whole.rows if row.role != "oracle" or row.seed == 0]
    found = replace(whole, rows=lost, gates={**whole.gates, "mmubench": gates})
    assert models(found).sentences[-1] == (
        "mmubench passed, but oracle 1 was left out; 1 oracle left, so there is no noise floor: The"
        " oracle must know hardly any forget entity: oracle 1 has 0.250; asked for: below 0.125."
    )
    one = (
        "Train at least 3 oracles on mllmu_bench, mmubench and unlok_vqa, which have 1: with fewer"
    )
    assert one in steps(found)
    none = [row for row in whole.rows if row.role != "oracle" or row.benchmark != "mmubench"]
    assert "Train at least 3 oracles on mmubench, which has none: " in steps(
        replace(whole, rows=none)
    )


def test_the_table_of_trust_counts_the_audits_cards(whole: Analysis) -> None:
    (sheet,) = trusted(whole).sheets
    rows = {row[0]: row for row in sheet.rows}
    for metric, row in rows.items():
        cards = [one for one in whole.audit.report_cards if one.headline and one.metric == metric]
        assert row[1] == f"{sum(one.usable for one in cards)} of {len(cards)}"
        orders = [one for one in whole.audit.resolution if one.metric == metric and one.found]
        assert row[5] == f"{sum(len(one.separated) for one in orders)} of {6 * len(orders)} pairs"
    assert rows["FA"][3] == "yes, 3 of 3"  # the suppressed models say nothing
    assert rows["AD"][3] == "no"
    assert (rows["RA"][4], rows["FA"][4]) == (
        "yes, 3 of 3",
        "no",
    )  # the damaged models lost RA alone
    good = usable(whole)
    assert {"FA", "JS"} <= set(good)
    errors = [
        max(
            one.error or 0
            for one in whole.audit.report_cards
            if one.headline and one.metric == name
        )
        for name in good
    ]
    assert errors == sorted(errors)


def test_without_a_ladder_nothing_is_trusted(whole: Analysis) -> None:
    plain = replace(whole, audit=replace(whole.audit, report_cards=(), profiles=()))
    (sheet,) = trusted(plain).sheets
    assert {row[1:5] for row in sheet.rows} == {
        ("not tested", "\N{EN DASH}", "not tested", "not tested")
    }
    assert trusted(plain).sentences[0].startswith("Which metric follows the truth cannot be known")
    assert "Add references, models that are taught a known share" in steps(plain)
    assert "suppressed models" not in steps(plain)
    assert said(plain).picture is None and len(said(plain).sheets) == 3


def test_what_they_say_has_the_trusted_metrics_and_what_is_kept(whole: Analysis) -> None:
    chapter = said(whole)
    assert len(chapter.sheets) == 3 and chapter.picture is not None
    shown = chapter.sheets[0].columns[1:-1]
    assert len(shown) == 6 and "RA" in shown
    many = replace(whole.summary, methods=tuple(f"m{at}" for at in range(13)))
    crowded = said(replace(whole, summary=many))
    assert crowded.sheets == () and crowded.sentences[-1].startswith("The values of 13 methods")


def test_the_methods_are_told_apart_as_the_score_does(whole: Analysis) -> None:
    ranked = score(whole.panel, "equal", long=whole.long)
    (sheet,) = methods(whole).sheets
    assert [row[0] for row in sheet.rows] == [one.method for one in ranked.methods]
    assert [row[3] for row in sheet.rows] == [str(one.tie_group) for one in ranked.methods]
    text = " ".join(methods(whole).sentences)
    classes = len({one.tie_group for one in ranked.methods})
    if classes == 1:
        assert "No method is told from the best one: all 4 are in one class." in text
    else:
        assert f"The noise allows {classes} classes" in text
    best = max(ranked.methods, key=lambda one: one.first_share)
    assert best.first_share < 1
    assert f"{best.method} does under {best.first_share:.0%} of all weightings" in text


def test_one_class_and_one_winner_have_their_own_sentences(whole: Analysis) -> None:
    assert not isinstance(whole.overall, NoRanking)
    score_of = whole.overall.equal
    one_class = tuple(replace(one, tie_group=1) for one in score_of.methods)
    tied = replace(
        whole, overall=replace(whole.overall, equal=replace(score_of, methods=one_class))
    )
    assert "No method is told from the best one: all 4 are in one class." in methods(tied).sentences
    assert "To choose among " in steps(tied)
    first, *others = score_of.methods
    sure = (
        replace(first, first_share=1.0, tie_group=1),
        *(replace(one, first_share=0.0, tie_group=2) for one in others),
    )
    alone = replace(whole, overall=replace(whole.overall, equal=replace(score_of, methods=sure)))
    told = methods(alone).sentences
    assert f"{first.method} comes first whatever the weights of the metrics are." in told
    assert any(
        one.startswith("The noise allows 2 classes; ") and first.method in one for one in told
    )
    assert "To choose among" not in steps(alone)
    none = replace(whole, overall=NoRanking("too few"))
    assert methods(none).sheets == () and "To choose among" not in steps(none)


def test_what_cannot_be_said(whole: Analysis) -> None:
    chapter = limits(whole)
    turned = [one for one in whole.audit.agreement if one.tau.sign_reverses]
    assert turned
    assert any(
        one.startswith("Pooled over benchmarks ") and f"{turned[0].a} and {turned[0].b}" in one
        for one in chapter.sentences
    )
    (sheet,) = chapter.sheets
    assert {row[1] for row in sheet.rows} <= {"not met", "not known"}
    assert "Recoverability" in [row[0] for row in sheet.rows]  # KR_IMP was not measured


def test_every_step_answers_one_thing(whole: Analysis) -> None:
    text = steps(whole)
    assert "Measure 5 methods or more: with 4 no agreement" in text
    assert "Measure KR_IMP: whether other questions" in text
    assert "Repeat the study on a real model" in text
    assert "oracles on" not in text and "second seed" not in text and "Add " not in text
    ragged = sum(
        one.ragged for one in whole.audit.profiles if one.role == "unlearned" and one.seed is None
    )
    assert f"on {ragged} of 12 unlearned methods" in text
    design = replace(whole.audit.design, seeds=1, methods=5)
    alone = steps(replace(whole, audit=replace(whole.audit, design=design)))
    assert "Run every method with a second seed" in alone and "methods or more" not in alone
    lazy = DoNothing("mmubench", "oracle_distance", 0.1, 0.2, 0, 4)
    assert lazy.rewarded
    rewarded = steps(replace(whole, audit=replace(whole.audit, do_nothing=(lazy,))))
    assert "Do not order methods by the oracle distance where" in rewarded
    told = steps(replace(whole, cautions=("x",)))
    assert "Settle what is said of the models above" in told


def test_a_ladder_without_models_beside_it_asks_for_them(whole: Analysis) -> None:
    cards = tuple(replace(one, suppressed=(), damaged=()) for one in whole.audit.report_cards)
    text = steps(replace(whole, audit=replace(whole.audit, report_cards=cards)))
    assert "Add suppressed models (references.suppressed in the study file)" in text
    assert "Add damaged models (references.damaged in the study file)" in text


def test_where_nothing_is_open_it_says_so(whole: Analysis) -> None:
    audit = replace(
        whole.audit, design=replace(whole.audit.design, methods=9), profiles=(), do_nothing=()
    )
    summary = replace(whole.summary, metrics=(*whole.summary.metrics, "KR_IMP"))
    done = replace(
        whole,
        rows=[replace(row, edition="full") for row in whole.rows],
        audit=audit,
        summary=summary,
        overall=NoRanking("none"),
    )
    assert list(next_steps(done).sentences) == [NOTHING]


def test_hostile_names_stay_text(rows: list[Row], make_run: MakeRun, hostile: list[str]) -> None:
    marked = [one for one in hostile if "<" in one and "\x00" not in one][:200]
    names = {
        "salun": "".join(marked[:50]),
        "random_labels": "<img src=x onerror=alert(1)>",
        "gradient_ascent": "</style><script>alert(1)</script>",
    }
    evil = [
        replace(
            row,
            study="</title><script>alert(1)</script>",
            method=names.get(row.method, row.method),
            benchmark=f"<b onload=x>{row.benchmark}",
        )
        for row in rows
        if row.benchmark == "mmubench"
    ]
    text = page(analyse(make_run(evil)))
    assert (
        "<script" not in text
        and "<img" not in text
        and "onload=x>" not in text.replace("onload=x&gt;", "")
    )
    assert text.count("</style>") == text.count("</title>") == 1
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
