"""A table says by itself what its metrics are."""

from __future__ import annotations

import json
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from uqs import results
from uqs.audit.audit import audit_long
from uqs.card_metadata import KEY, attach, facts_of
from uqs.errors import DataError
from uqs.metrics.catalogue import CARDS
from uqs.records import MetricFacts
from uqs.results import Row
from uqs.results.tables import read_long, read_table

MINE = MetricFacts(symbol="MINE", name="mine", better="higher", bounds=(-inf, 2.5), split="retain")
ROW = Row(
    study="s",
    benchmark="b",
    edition="tiny",
    model="m",
    role="unlearned",
    method="npo",
    strength="",
    hyperparameters="{}",
    seed=0,
    oracle_seed=None,
    split="forget",
    metric="FA",
    value=0.25,
    se=0.01,
    n=400,
    status="ok",
    config_hash="c",
    data_hash="d",
    version="0",
    device="cpu",
    seconds=1.0,
)
ROWS = [
    replace(ROW, method=method, seed=seed, metric=metric, split=split, value=value)
    for at, (method, seed) in enumerate([("npo", 0), ("npo", 1), ("dpo", 0), ("dpo", 1)])
    for metric, split, value in (
        ("FA", "forget", at / 10),
        ("MINE", "forget", 0.0),
        ("MINE", "retain", at / 5),
    )
]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "results.parquet"
    results.write(ROWS, path, [MINE])
    return path


def test_the_table_gives_direction_bounds_and_headline(table: Path) -> None:
    long = read_long(table)
    assert facts_of("MINE", long) == MINE
    fa = CARDS["FA"]
    assert facts_of("FA", long) == MetricFacts(
        symbol="FA", name=fa.name, better=fa.better, bounds=fa.bounds, split=fa.split
    )
    panel = read_table(table)
    assert panel.better == {"FA": "lower", "MINE": "higher"}
    assert panel.values["MINE"].tolist() == pytest.approx([0.4, 0.6, 0.0, 0.2])  # dpo, then npo
    found = audit_long(long, rng=np.random.default_rng(0), resamples=20)
    assert {(one.a, one.b) for one in found.agreement} == {("FA", "MINE")}


def test_the_metadata_is_plain_json(table: Path) -> None:
    held = json.loads(pq.read_schema(table).metadata[KEY.encode()])
    assert held[1] == {
        "symbol": "MINE",
        "name": "mine",
        "better": "higher",
        "bounds": [None, 2.5],
        "split": "retain",
        "version": 1,
        "formerly": [],
    }
    assert [one["symbol"] for one in held] == ["FA", "MINE"]
    assert results.read(table) == results.check(ROWS, table)


def test_a_given_direction_goes_before_the_tables(table: Path) -> None:
    assert read_table(table, {"MINE": "lower"}).better["MINE"] == "lower"


def test_without_it_the_direction_is_asked_for(table: Path, tmp_path: Path) -> None:
    csv = tmp_path / "t.csv"
    read_long(table).query("split != 'forget' or metric == 'FA'").to_csv(csv, index=False)
    with pytest.raises(DataError, match=r"'MINE'.*say --direction MINE=lower or MINE=higher"):
        read_table(csv)
    assert read_table(csv, {"MINE": "higher"}).better["MINE"] == "higher"


def test_the_table_goes_before_what_is_registered(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    other = MetricFacts(symbol="REP", name="rep", better="higher", bounds=(0, 1), split="forget")
    results.write([replace(ROW, metric="REP"), ROW], path, [other])
    assert read_table(path).better == {"FA": "lower", "REP": "higher"}


def test_a_table_of_an_earlier_version_is_read(table: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.parquet"
    whole = pq.read_table(table)
    mask = [metric == "FA" for metric in whole["metric"].to_pylist()]
    pq.write_table(whole.filter(mask).replace_schema_metadata(None), old)
    assert read_table(old).better == {"FA": "lower"}


def test_a_wide_table_may_carry_it_too(table: Path, tmp_path: Path) -> None:
    import pyarrow as pa

    wide = pa.table({"benchmark": ["b"], "method": ["npo"], "seed": [0], "MINE": [0.5]})
    path = tmp_path / "wide.parquet"
    pq.write_table(wide.replace_schema_metadata(pq.read_schema(table).metadata), path)
    assert read_table(path).better == {"MINE": "higher"}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1]",
        '[{"symbol": "MINE"}]',
        '[{"symbol": "X", "name": "x", "better": "up", "bounds": [0, 1], "split": "forget"}]',
        '[{"symbol": "X", "name": "x", "better": "lower", "bounds": [1, 0], "split": "forget"}]',
        '[{"symbol": "X", "name": "x", "better": "lower", "bounds": [0], "split": "forget"}]',
        '[{"symbol": 3, "name": "x", "better": "lower", "bounds": [0, 1], "split": "forget"}]',
        '[{"symbol": "X", "name": "x", "better": "lower", "bounds": "ab", "split": "forget"}]',
    ],
)
def test_what_cannot_be_read_is_one_line(table: Path, text: str) -> None:
    whole = pq.read_table(table)
    pq.write_table(whole.replace_schema_metadata({KEY: text}), table)
    with pytest.raises(
        DataError, match=r"results\.parquet.*uqs\.metrics.*what its metrics are"
    ) as e:
        attach(pd.DataFrame(), pq.read_schema(table).metadata, table)
    assert "\n" not in str(e.value)
