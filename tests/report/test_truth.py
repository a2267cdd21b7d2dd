"""Tables and picture of report cards and profiles."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from uqs.audit.profiles import Part, Profile
from uqs.audit.report_cards import Judged, ReportCard
from uqs.report.truth import card_sheets, profile_sheets
from uqs.report.truth_picture import strips
from uqs.stats.response import KnownShare, fit
from uqs.text import DASH

HALF = KnownShare(0.5, 0.4, 0.6, "", 0.5)
OFF = KnownShare(None, None, None, "above", 1.8)
BLIND = Judged("suppressed", "refusal", "", 3, 1.0, HALF, True)
CARD = ReportCard(
    "b",
    "FA",
    "forget",
    True,
    fit([0, 0, 1, 1], [0.0, 0.1, 1.0, 0.9]),
    0.02,
    0.35,
    0.1,
    0.98,
    "",
    (BLIND,),
    (),
)
PROFILE = Profile(
    benchmark="b",
    role="unlearned",
    method="npo",
    strength="0.5",
    seed=None,
    runs=3,
    truth=None,
    parts=(Part("FA", HALF, -1.0), Part("JS", OFF, 4.0)),
    common=0.7,
    least="FA",
    most="JS",
    p_normal=0.001,
    p_references=0.02,
    references=48,
    basis="all_benchmarks",
)


def test_cards_are_sorted_usable_first_then_by_error():
    worse = replace(CARD, metric="JS", error=0.1, suppressed=())
    useless = replace(CARD, metric="AD", why="too_weak", error=0.01, gap=None)
    unknown = replace(CARD, metric="RA", why="no_response", response=None, error=None, rho=None)
    other = replace(CARD, split="forget/pictured", headline=False)
    (sheet,) = card_sheets([unknown, useless, worse, other, CARD])
    assert sheet.columns == ("metric", "verdict", "error", "gap", "span", "rho", "refusal")
    assert [row[0] for row in sheet.rows] == ["FA", "JS", "AD", "RA"]
    assert sheet.rows[0] == ("FA", "usable", "0.02", "0.10", "12.7", "0.98", f"0.40{DASH}0.60*")
    assert sheet.rows[1][-1] == "-"
    assert sheet.rows[2][1:4] == ("too weak", "0.01", "undefined")
    assert sheet.rows[3][1:6] == ("no response", "undefined", "0.10", "undefined", "undefined")
    (every,) = card_sheets([CARD, other], headline=False)
    assert every.columns[1] == "split" and len(every.rows) == 2


def test_one_table_per_benchmark():
    assert [one.title[-1] for one in card_sheets([CARD, replace(CARD, benchmark="c")])] == [*"bc"]
    assert card_sheets([]) == [] == profile_sheets([])


def test_profiles_side_by_side():
    single = replace(PROFILE, seed=0, runs=1)
    flat = replace(
        PROFILE,
        role="original",
        method="original",
        strength="",
        seed=2,
        truth=1.0,
        p_references=0.4,
    )
    (sheet,) = profile_sheets(
        [flat, single, PROFILE, replace(PROFILE, method="ga", seed=7, runs=1)]
    )
    assert sheet.columns == ("model", "FA", "JS", "all", "p")
    assert sheet.rows == [
        ("ga 0.5", "0.50", "above (1.80)", "none", "0.02"),
        ("npo 0.5, mean of 3", "0.50", "above (1.80)", "none", "0.02"),
        ("original 1, seed 2", "0.50", "above (1.80)", "0.70", "0.4"),
    ]
    assert list(sheet.rules) == [2]
    assert "48 left-out models of the ladders of all benchmarks" in sheet.note
    (few,) = profile_sheets([replace(PROFILE, basis="normal")])
    assert few.rows[0][-1] == "0.001" and "too few models" in few.note


def test_the_picture_is_escaped_and_complete():
    odd = replace(PROFILE, method="<npo> & co", p_references=0.9)
    trained = replace(PROFILE, role="oracle", method="retrain")
    picture = strips([odd, trained])
    root = ElementTree.fromstring(f"<div>{picture}</div>")  # noqa: S314
    texts = [one.text for one in root.iter("text")]
    assert texts == ["FA", "JS", "all", "<npo> & co 0.5, mean of 3", "0.50", "1.80", "0.70"]
    rects = list(root.iter("rect"))
    assert [one.get("stroke-dasharray") is not None for one in rects] == [False, True, False]
    assert [float(one.get("fill-opacity")) for one in rects] == pytest.approx(
        [0.28, 0.55, 0.38], abs=0.02
    )
    assert "http" not in picture and "script" not in picture
    assert [one.text for one in root.iter("title")] == [f"FA 0.50 (0.40{DASH}0.60)"]


def test_without_models_there_is_no_picture():
    assert strips([]) == "" == strips([replace(PROFILE, role="oracle")])
