"""The table of per-sample values: what it holds, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from uqs.errors import DataError
from uqs.results import items
from uqs.results.items import Item

ONE = Item("b", "tiny", "m", "unlearned", "npo", "", 1, None, "forget", "FA", "q1", "e", 1.0)


def test_what_is_written_is_read_in_the_order_of_its_keys(tmp_path: Path) -> None:
    other = replace(ONE, id="q0", oracle_seed=3, value=0.25)
    items.write([ONE, other], tmp_path / "items.parquet")
    table = items.read(tmp_path / "items.parquet")
    assert table.schema.names == items.SCHEMA.names
    assert sorted(table["id"].to_pylist()) == ["q0", "q1"]
    assert sorted(table["value"].to_pylist()) == [0.25, 1.0]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ([ONE, ONE], "two values for b/tiny/m/unlearned/npo"),
        ([replace(ONE, value=float("nan"))], "row 1, field 'value': nan is not a finite number"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(
    tmp_path: Path, wrong: list[Item], problem: str
) -> None:
    with pytest.raises(DataError, match=problem):
        items.write(wrong, tmp_path / "items.parquet")
    assert not (tmp_path / "items.parquet").exists()


def test_another_table_is_refused(tmp_path: Path) -> None:
    items.write([ONE], tmp_path / "items.parquet")
    whole = pq.read_table(tmp_path / "items.parquet")
    pq.write_table(whole.drop(["entity"]), tmp_path / "cut.parquet")
    with pytest.raises(DataError, match="field 'entity': missing column"):
        items.read(tmp_path / "cut.parquet")
