"""The table of per-sample values: what it holds, and what it refuses."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
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


def test_models_are_written_one_after_another_in_order(tmp_path: Path) -> None:
    def table(*found: Item) -> pa.Table:
        return pa.Table.from_pylist([asdict(one) for one in found], schema=items.SCHEMA)

    next_one = replace(ONE, seed=2)
    first, second = table(replace(ONE, id="q2"), ONE), table(next_one)
    file = tmp_path / "items.parquet"
    items.write_tables([first, items.SCHEMA.empty_table(), second], file)
    assert items.read(file)["id"].to_pylist() == ["q1", "q2", "q1"]
    for wrong in ([second, first], [second, second]):
        with pytest.raises(ValueError, match="comes after"):
            items.write_tables(wrong, tmp_path / "wrong.parquet")
        assert not (tmp_path / "wrong.parquet").exists()


def test_another_table_is_refused(tmp_path: Path) -> None:
    items.write([ONE], tmp_path / "items.parquet")
    whole = pq.read_table(tmp_path / "items.parquet")
    pq.write_table(whole.drop(["entity"]), tmp_path / "cut.parquet")
    with pytest.raises(DataError, match="field 'entity': missing column"):
        items.read(tmp_path / "cut.parquet")


@pytest.mark.parametrize("limit", [2**62, 50])
def test_key_codes_are_in_the_order_of_the_keys(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(items, "LARGEST", limit)
    rng = np.random.default_rng(3)
    n = 400
    columns = {name: [str(one) for one in rng.integers(0, 3, n)] for name in items.SCHEMA.names}
    columns["seed"] = rng.integers(-2, 12, n).tolist()
    columns["oracle_seed"] = [None if one > 8 else int(one) for one in rng.integers(0, 12, n)]
    columns["method"] = [["é", "Z", "a", "", "\U0001f600"][one] for one in rng.integers(0, 5, n)]
    columns["value"] = rng.normal(size=n).tolist()
    table = pa.Table.from_pydict(columns, schema=items.SCHEMA)
    found = table.take(pa.array(np.argsort(items._key_codes(table), kind="stable")))
    key = [(name, "ascending") for name in items.KEY]
    assert found.select(items.KEY).equals(table.sort_by(key).select(items.KEY))
