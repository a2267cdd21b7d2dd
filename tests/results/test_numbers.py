# ruff: noqa: E501, RUF001
"""Which cells are numbers, and which whole numbers: seeds stay apart, and nothing is guessed."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uqs.errors import DataError
from uqs.results import cells
from uqs.results.tables import from_dataframe, read_long, read_table

TWO = (9007199254740992, 9007199254740993)


@pytest.mark.parametrize(
    ("cell", "value", "error"),
    [
        ("0.35", 0.35, None),
        (".5", 0.5, None),
        ("5.", 5.0, None),
        ("+1e-3", 0.001, None),
        ("35.2%", 0.352, None),
        ("35.2 %", 0.352, None),
        (r"35.2\%", 0.352, None),
        ("\N{MINUS SIGN}0.5", -0.5, None),
        ("**0.5**", 0.5, None),
        ("***0.5***", 0.5, None),
        ("__0.5__", 0.5, None),
        ("`0.5`", 0.5, None),
        (r"\textbf{0.5}", 0.5, None),
        (r"\underline{\textbf{0.5}}", 0.5, None),
        (r"{\bf 0.5}", 0.5, None),
        (r"$\mathbf{0.5}$", 0.5, None),
        ("0.35 ± 0.02", 0.35, 0.02),
        ("0.35±.02", 0.35, 0.02),
        ("0.35 +/- 0.02", 0.35, 0.02),
        (r"$0.35 \pm 0.02$", 0.35, 0.02),
        (r"$0.35_{\pm 0.02}$", 0.35, 0.02),
        (r"\textbf{0.35}$_{\pm0.02}$", 0.35, 0.02),
        ("**0.35** ± 0.02", 0.35, 0.02),
        ("35.2 ± 1.5 %", 0.352, 0.015),
        ("35.2% ± 1.5%", 0.352, 0.015),
        ("(35.2 ± 1.5)%", 0.352, 0.015),
        (Decimal("0.5"), 0.5, None),
        (np.float32(0.5), 0.5, None),
        (7, 7.0, None),
    ],
)
def test_a_number(cell: object, value: float, error: float | None) -> None:
    found = cells.read(cell)
    assert found.value == pytest.approx(value, rel=1e-12)
    assert math.isnan(found.error) if error is None else found.error == pytest.approx(error)


@pytest.mark.parametrize("cell", ["", " ", "-", "—", "–", "\N{MINUS SIGN}", "--", "#N/A", "NaN", "null", None, pd.NA, math.nan, r"\textbf{-}", "**—**"])  # fmt: skip
def test_nothing(cell: object) -> None:
    assert math.isnan(cells.read(cell).value)
    assert cells.read_whole(cell) is None


@pytest.mark.parametrize(
    "cell",
    ["1_2", "0x10", "0b1", "١", "1٢", "½", "True", True, False, np.True_, "1,2", "1 2", "1e", "1e1_0",
     "0.35 (0.02)", "0.35(2)", "0.5*", "*0.5", "0.5†", "#DIV/0!", "#REF!", "12 of 20", "3/4", "0.5 ±",
     "± 0.5", "0.5 ± -0.1", "–0.5", "1.2.3", "good", [1], (1,), {"a": 1}, b"1", 1j, "nan(1)", "<0.01"],
)  # fmt: skip
def test_no_number(cell: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        cells.read(cell)


@pytest.mark.parametrize("cell", ["inf", "-inf", "Infinity", "1e999", math.inf, 10**400, Decimal("inf")])  # fmt: skip
def test_what_is_not_finite(cell: object) -> None:
    with pytest.raises(ValueError, match="finite"):
        cells.read(cell)


@pytest.mark.parametrize(
    ("cell", "hint"),
    [("0.35 (0.02)", "0.35 ± 0.02"), ("1,2", "semicolons"), ("١", "digits 0 to 9"), ("1_2", "underscores"),
     ("#DIV/0!", "spreadsheet's error")],
)  # fmt: skip
def test_a_likely_mistake_is_named(cell: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        cells.read(cell)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_read_exactly(value: float) -> None:
    assert cells.read(repr(value)).value == value
    assert cells.read(repr(value).replace("-", "\N{MINUS SIGN}", 1)).value == value or "e-" in repr(
        value
    )
    commas = cells.read(repr(value).replace(".", ","), decimal_comma=True)
    assert commas.value == value


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_whole_number_is_read_exactly(value: int) -> None:
    assert cells.read_whole(value) == value
    assert cells.read_whole(str(value)) == value
    assert cells.read_whole(f"{value}.0") == value
    assert cells.read_whole(Decimal(value)) == value


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("1_2", "not a number"), ("0x10", "not a number"), ("١", "not a number"), ("1e5", "shortened"),
        ("9.00719925474099E+15", "shortened"), ("1.5", "whole"), (1.5, "whole"), ("x", "not a number"),
        (True, "not a number"), ("35%", "not a number"), (2.0**53, "rounded"), (9007199254740993.0, "rounded"),
        (2**63, "beyond 64 bits"), (str(2**63), "beyond 64 bits"), (-(2**63) - 1, "beyond 64 bits"),
        (math.inf, "finite"), ("nan(1)", "not a number"), ([1], "not a number"),
    ],
)  # fmt: skip
def test_no_whole_number(cell: object, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        cells.read_whole(cell)


def written(folder: Path, form: str, column: str, pair: tuple[int, int]) -> Path | object:
    """A long table of two rows of AD, of which one column has a pair of numbers, in one of the forms."""
    frame = pd.DataFrame(
        {
            "benchmark": ["b", "b"], "method": ["m", "m" if column == "seed" else "k"], "seed": [1, 1],
            "metric": ["AD", "AD"], "value": [0.5, 0.25], "n": [1, 1], "oracle_seed": [3, 3],
        }
    )  # fmt: skip
    frame[column] = list(pair)
    path = folder / f"t.{form}"
    match form:
        case "csv":
            frame.to_csv(path, index=False)
        case "json":
            path.write_text(json.dumps(frame.to_dict("records")))
        case "jsonl":
            path.write_text("\n".join(map(json.dumps, frame.to_dict("records"))))
        case "parquet":
            frame.to_parquet(path)
        case "uint.parquet":
            frame.astype({column: "uint64"}).to_parquet(path)
        case "null.parquet":
            # pandas would make floating-point numbers of a column with an empty cell.
            more = {**frame.iloc[0].to_dict(), "method": "z", "metric": "FA"}
            more |= {} if column == "seed" else {column: None}
            pq.write_table(pa.Table.from_pylist([*frame.to_dict("records"), more]), path)
        case "arrow":
            return pa.Table.from_pandas(frame)
        case _:
            return frame
    return path


FORMS = ("csv", "json", "jsonl", "parquet", "uint.parquet", "null.parquet", "arrow", "pandas")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("column", ["seed", "n", "oracle_seed"])
def test_numbers_beyond_2_to_the_53_stay_apart(tmp_path: Path, form: str, column: str) -> None:
    table = written(tmp_path, form, column, TWO)
    if isinstance(table, Path):
        assert set(read_long(table)[column].dropna()) == set(TWO)
        panel = read_table(table)
    else:
        panel = from_dataframe(table)
    if column == "seed":
        assert {*TWO} <= set(panel.seed.tolist())
        assert sorted(panel.values["AD"][~np.isnan(panel.values["AD"])]) == [0.25, 0.5]
    if column == "n":
        assert set(panel.counts["AD"].tolist()) - {0} == set(TWO)


@pytest.mark.parametrize("column", ["seed", "n", "oracle_seed"])
def test_rounded_numbers_are_refused(tmp_path: Path, column: str) -> None:
    table = written(tmp_path, "pandas", column, TWO)
    assert isinstance(table, pd.DataFrame)
    with pytest.raises(DataError, match=rf"row 1, field '{column}'.*rounded"):
        from_dataframe(table.astype({column: float}))
    table.astype({column: float}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match=rf"row 1, field '{column}'.*rounded"):
        read_table(tmp_path / "t.parquet")


@pytest.mark.parametrize(
    ("row", "field"),
    [("b,1_2,0.5,,", "seed"), ("b,0x10,0.5,,", "seed"), ("b,1e5,0.5,,", "seed"), ("b,1,1_2,,", "FA"),
     ("b,1,0.5,1_0,", "FA_n"), ("b,1,0.5,-1,", "n"), ("b,1,0.5,,0_1", "FA_se"),
     ("b,18446744073709551616,0.5,,", "seed"), ("b,1,True,,", "FA"), ("b,True,0.5,,", "seed")],
)  # fmt: skip
def test_what_python_alone_reads_is_refused(tmp_path: Path, row: str, field: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"method,benchmark,seed,FA,FA_n,FA_se\nm,b,1,0.5,10,0.1\nk,{row}\n")
    with pytest.raises(DataError, match=f"row 2, field '{field}'") as caught:
        read_table(path)
    assert "\n" not in str(caught.value)


def test_float_seeds_that_are_whole_are_seeds() -> None:
    frame = pd.DataFrame({"benchmark": "b", "method": ["m", "k"], "seed": [42.0, 7.0], "FA": 0.5})
    assert from_dataframe(frame).seed.tolist() == [7, 42]


def test_one_seed_written_in_two_ways_is_one_seed(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("benchmark,method,seed,FA\nb,m,42,0.5\nb,m,42.0,0.6\n")
    with pytest.raises(DataError, match="row 2, field 'seed': 42 is a second row"):
        read_table(path)


@pytest.mark.parametrize("cell", ["0,5;1.5", "1.5;0,5"])
def test_commas_and_points_together_are_no_numbers(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"benchmark;method;seed;AD;W_DIST\nb;m;1;{cell}\n")
    with pytest.raises(DataError, match=r"row 1.*'0,5' is not a number"):
        read_table(path)
