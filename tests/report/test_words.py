from __future__ import annotations

from uqs import text
from uqs.records import Status
from uqs.report import words
from uqs.report.means import Gap, Mean


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
    assert words.gap(Gap(ratio=3.42)) == f"3.42{text.TIMES}"
    assert words.gap(Gap(ratio=34.2)) == f"34.2{text.TIMES}"
