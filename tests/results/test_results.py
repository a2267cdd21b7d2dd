"""The results table: what goes in comes out; what is wrong is named by row and field."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uqs import results
from uqs.errors import DataError
from uqs.records import Role, Status
from uqs.results import Row

ROW = Row(
    study="s",
    benchmark="mmubench",
    edition="tiny",
    model="tiny_llava",
    role="unlearned",
    method="salun",
    strength="",
    hyperparameters='{"lr": 0.001}',
    seed=42,
    oracle_seed=0,
    split="forget",
    metric="AD",
    value=1.5,
    se=0.25,
    n=120,
    status="ok",
    config_hash="abc",
    data_hash="def",
    version="0.1.0",
    device="cpu",
    seconds=1.0,
)
TABLE = [
    ROW,
    replace(ROW, oracle_seed=None, metric="FA", value=0.5),
    replace(ROW, oracle_seed=1, value=2.5, se=None),
    replace(ROW, oracle_seed=None, metric="MIA", value=None, se=None, n=0, status="gate_failed"),
    replace(ROW, seed=7, value=1.0),
]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    results.write(TABLE, tmp_path / "t.parquet")
    assert set(results.read(tmp_path / "t.parquet")) == set(TABLE)
    assert [file.name for file in tmp_path.iterdir()] == ["t.parquet"]


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    shuffled = random.Random(0).sample(TABLE, len(TABLE))
    results.write(TABLE, tmp_path / "a.parquet")
    results.write(shuffled, tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@given(
    st.lists(
        st.builds(
            replace,
            st.just(ROW),
            method=st.text(),
            seed=st.integers(0, 2**62),
            oracle_seed=st.none() | st.integers(0, 2**62),
            value=st.floats(allow_nan=False, allow_infinity=False),
            se=st.none() | st.floats(0, allow_infinity=False),
            n=st.integers(0, 2**62),
        ),
        unique_by=lambda row: (row.method, row.seed, row.oracle_seed),
    )
)
def test_every_sound_row_survives(rows: list[Row]) -> None:
    table = pa.Table.from_pylist([asdict(row) for row in results.check(rows, "t")], results.SCHEMA)
    assert {Row(**record) for record in table.to_pylist()} == set(rows)


@pytest.mark.parametrize(
    ("change", "field", "problem"),
    [
        ({"status": "fine"}, "status", "'fine' is not one of ok,"),
        ({"role": "student"}, "role", "'student' is not one of original,"),
        ({"value": None}, "value", "None with status 'ok'"),
        ({"status": "too_few"}, "value", "1.5 with status 'too_few'"),
        ({"value": float("nan")}, "value", "nan is not a finite number"),
        ({"value": float("inf")}, "value", "inf is not a finite number"),
        ({"se": float("nan")}, "se", "nan is not a finite number"),
        ({"se": -0.1}, "se", "-0.1 is negative"),
        ({"n": -1}, "n", "-1 is negative"),
        ({"seconds": -1.0}, "seconds", "-1.0 is negative"),
        ({"seed": "42"}, "seed", "'42' is not of type whole number"),
        ({"seed": True}, "seed", "True is not of type whole number"),
        ({"seed": 1.0}, "seed", "1.0 is not of type whole number"),
        ({"method": 3}, "method", "3 is not of type text"),
        ({"value": "1.5"}, "value", "'1.5' is not of type number"),
        ({"benchmark": None}, "benchmark", "is empty"),
        ({"n": None}, "n", "is empty"),
        ({"hyperparameters": "lr=1"}, "hyperparameters", "is not a JSON object"),
        ({"hyperparameters": "[1]"}, "hyperparameters", "is not a JSON object"),
    ],
)
def test_a_bad_row_is_named(
    tmp_path: Path, change: dict[str, Any], field: str, problem: str
) -> None:
    with pytest.raises(DataError) as caught:
        results.write([*TABLE, replace(ROW, split="retain", **change)], tmp_path / "t.parquet")
    assert caught.value.row == 6
    assert caught.value.field == field
    assert problem in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_second_row_of_a_key_is_named() -> None:
    with pytest.raises(
        DataError, match=r"a second row for mmubench/tiny/.*/42/0/forget/AD"
    ) as caught:
        results.check([*TABLE, replace(ROW, value=9.0)], "t")
    assert (caught.value.row, caught.value.field) == (6, "metric")


def test_a_failed_write_leaves_the_old_table(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    results.write(TABLE, file)
    before = file.read_bytes()
    with pytest.raises(DataError):
        results.write([ROW, ROW], file)
    assert file.read_bytes() == before


def test_statuses_and_roles_are_all_accepted() -> None:
    valued = {Status.OK, Status.LOWER_BOUND, Status.CONSTANT, Status.UNRESOLVED}
    for role in Role:
        share = 0.5 if role == Role.REFERENCE else None
        rows = [
            replace(
                ROW,
                role=role,
                status=s,
                strength=s,
                value=1.0 if s in valued else None,
                share=share,
            )
            for s in Status
        ]
        assert len(results.check(rows, "t")) == len(Status)


@pytest.mark.parametrize(
    ("role", "share", "problem"),
    [
        (Role.REFERENCE, None, "a reference needs one"),
        (Role.REFERENCE, 1.5, "1.5 is not a share from 0 to 1"),
        (Role.ORACLE, -0.1, "-0.1 is not a share from 0 to 1"),
    ],
)
def test_a_known_share_is_one(role: Role, share: float | None, problem: str) -> None:
    with pytest.raises(DataError, match=problem) as caught:
        results.check([replace(ROW, role=role, share=share)], "t")
    assert caught.value.field == "share"


def test_no_row_is_a_table_too(tmp_path: Path) -> None:
    results.write([], tmp_path / "t.parquet")
    assert results.read(tmp_path / "t.parquet") == []


def column(name: str, values: list[Any], kind: pa.DataType) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        place = table.column_names.index(name)
        return table.set_column(place, pa.field(name, kind), pa.array(values, kind))

    return change


@pytest.mark.parametrize(
    ("change", "row", "field"),
    [
        (lambda table: table.drop_columns(["metric"]), None, "metric"),
        (column("seed", ["1", "2"], pa.string()), None, "seed"),
        (column("value", [1, 2], pa.int64()), None, "value"),
        (column("n", [120, None], pa.int64()), 2, "n"),
        (column("method", [None, "salun"], pa.string()), 1, "method"),
        (column("value", [1.0, float("nan")], pa.float64()), 2, "value"),
        (column("status", ["ok", "ko"], pa.string()), 2, "status"),
        (column("seed", [7, 7], pa.int64()), 2, "metric"),
    ],
)
def test_a_bad_file_is_named(
    tmp_path: Path, change: Callable[[pa.Table], pa.Table], row: int | None, field: str
) -> None:
    file = tmp_path / "t.parquet"
    good = pa.Table.from_pylist([asdict(ROW), asdict(replace(ROW, seed=7))], results.SCHEMA)
    pq.write_table(change(good), file)
    with pytest.raises(DataError) as caught:
        results.read(file)
    assert (caught.value.file, caught.value.row, caught.value.field) == (str(file), row, field)


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    results.write(TABLE, file)
    whole = file.read_bytes()
    for size in (0, 1, 7, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:size])
        with pytest.raises(DataError, match="is not a readable Parquet file"):
            results.read(file)


def test_other_things_are_no_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        results.read(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("benchmark,method\n")
    with pytest.raises(DataError, match="is not a readable Parquet file"):
        results.read(tmp_path / "text.parquet")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError):
        results.read(tmp_path / "folder")


def test_extra_columns_do_no_harm(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([asdict(ROW)], results.SCHEMA).append_column(
        "note", pa.array(["mine"])
    )
    pq.write_table(table, tmp_path / "t.parquet")
    assert results.read(tmp_path / "t.parquet") == [ROW]


def test_a_table_of_before_bounds_and_gaps_stays_readable(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    results.write(TABLE, file)
    pq.write_table(pq.read_table(file).drop_columns(["bound", "gap", "z"]), file)
    assert set(results.read(file)) == set(TABLE)


def test_bounds_and_gaps_are_kept(tmp_path: Path) -> None:
    rows = [replace(ROW, bound=0.01, gap=-0.2, z=-3.0, status="lower_bound")]
    results.write(rows, tmp_path / "t.parquet")
    assert results.read(tmp_path / "t.parquet") == rows
    with pytest.raises(DataError, match=r"field 'bound': -0\.5 is negative"):
        results.write([replace(ROW, bound=-0.5)], tmp_path / "u.parquet")
    assert not (tmp_path / "u.parquet").exists()
