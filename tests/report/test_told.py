"""The tables of what is told from an oracle."""

from __future__ import annotations

from dataclasses import replace

from uqs.audit.told import Direction, Finding, Told
from uqs.report.told import models_sheet, told_sheet
from uqs.text import DASH

FA = Told(
    benchmark="b", metric="FA", split="forget", role="unlearned", method="npo", seed=0, kind="value",
    scale="value", oracles=3, family=2, finding=Finding.TOLD, direction=Direction.KNOWS_LESS, value=0.0,
    expected=0.3, statistic=-12.99, freedom=2, p=0.00588, p_adjusted=0.0101, p_rank=0.25,
)  # fmt: skip
NOT = replace(FA, seed=1, finding=Finding.NOT_TOLD, direction=None, p_adjusted=0.9)
ODD = replace(NOT, role="oracle", method="retrain", oracles=2, finding=Finding.TOO_FEW_ORACLES,
              statistic=None, p=None, p_adjusted=None, p_rank=None, expected=None, freedom=None)  # fmt: skip


def test_counts_by_metric_and_benchmark() -> None:
    other = replace(NOT, benchmark="c", finding=Finding.CONSTANT, freedom=None)
    sheet = told_sheet([FA, NOT, ODD, other, replace(FA, role="original", freedom=10)])
    assert sheet.columns == (
        "metric", "benchmark", "oracles", "df", "unlearned", "originals", "oracles",
    )  # fmt: skip
    assert sheet.rows == [
        ("FA", "b", "3", "10", "1 of 2", "1 of 1", "too few oracles"),
        ("FA", "c", "3", DASH, "oracles do not differ", "", ""),
    ]
    assert "Not told apart is not like an oracle" in sheet.note


def test_what_has_no_value_is_not_counted() -> None:
    sheet = told_sheet([FA, replace(NOT, finding=Finding.NO_VALUE)])
    assert sheet.rows == [("FA", "b", "3", "2", "1 of 1")]
    assert told_sheet([replace(NOT, finding=Finding.NO_VALUE)]).rows[0][-1] == "no value"


def test_each_model() -> None:
    sheet = models_sheet([FA, NOT, ODD])
    assert sheet.rows[0] == (
        "FA", "b", "npo seed 0", "0.000", "0.300", "\N{MINUS SIGN}12.99", "0.00588", "0.0101", "0.25",
        "told: knows less",
    )  # fmt: skip
    assert sheet.rows[1][-1] == "not told apart"
    assert sheet.rows[2][4:] == (*[DASH] * 5, "too few oracles")
    assert told_sheet([]).rows == models_sheet([]).rows == []
