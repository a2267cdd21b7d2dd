from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uqs.records import Status
from uqs.report import words
from uqs.report.means import Gap, Mean


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0.000"),
        (0.12345, "0.123"),
        (0.0012345, "0.0012"),
        (-0.5, f"{words.MINUS}0.500"),
        (123.456, "123.5"),
        (6879896.4, "6.9e+06"),
        (0.00001, "1.0e-05"),
    ],
)
def test_numbers(value, shown):
    assert words.number(value) == shown


@given(st.floats(-1e7, 1e7))
def test_a_shown_number_is_the_number_rounded(value):
    shown = float(words.number(value).replace(words.MINUS, "-"))
    assert shown == pytest.approx(value, rel=0.0501)
    if 0.01 <= abs(value) < 100:
        assert shown == pytest.approx(value, abs=0.00051)


def test_signs():
    assert words.signed(0.25, 2) == "+0.25"
    assert words.signed(-0.25, 2) == f"{words.MINUS}0.25"
    assert words.signed(-0.0001, 2) == "0.00"


def test_means():
    assert words.mean(None) == "not measured"
    assert words.mean(Mean(0.5, 0.1, 3, 3, Status.OK)) == "0.500 ± 0.100"
    assert words.mean(Mean(0.5, None, 2, 3, Status.OK)) == "0.500 (2 of 3)"
    for status in Status:
        if status is not Status.OK:
            assert words.mean(Mean(None, None, 0, 3, status)) == words.STATUS[status] != ""


def test_gaps():
    assert words.gap(Gap()) == ""
    assert words.gap(Gap(difference=0.123)) == "+0.123"
    assert words.gap(Gap(ratio=3.42)) == f"3.42{words.TIMES}"
    assert words.gap(Gap(ratio=34.2)) == f"34.2{words.TIMES}"
