from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from uqs import results
from uqs.errors import DataError, UserError
from uqs.results.tables import from_dataframe, from_rows, read_table

GOOD = "benchmark,method,seed,FA,RA\nb,m,1,0.5,0.25\nb,k,1,0.75,\n"


def write(folder: Path, text: str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def row(**changes: object) -> results.Row:
    given = {
        "study": "s", "benchmark": "b", "edition": "tiny", "model": "t", "role": "unlearned",
        "method": "m", "strength": "1", "hyperparameters": "{}", "seed": 1, "oracle_seed": None,
        "split": "forget", "metric": "FA", "value": 0.5, "se": 0.1, "n": 100, "status": "ok",
        "config_hash": "c", "data_hash": "d", "version": "0", "device": "cpu", "seconds": 1.0,
    }  # fmt: skip
    return results.Row(**(given | changes))


def test_a_wide_table(tmp_path):
    panel = read_table(write(tmp_path, GOOD))
    assert panel.metrics == ("FA", "RA")
    assert panel.method.tolist() == ["k", "m"]
    assert panel.values["FA"].tolist() == [0.75, 0.5]
    assert np.isnan(panel.values["RA"][0])
    assert panel.statuses["RA"].tolist() == ["too_few", "ok"]
    assert panel.better == {"FA": "lower", "RA": "higher"}


def test_errors_and_counts_of_a_wide_table(tmp_path):
    text = "benchmark,method,seed,FA,FA_se,FA_n\nb,m,1,0.5,0.1,20\nb,k,1,0.7,,\n"
    panel = read_table(write(tmp_path, text))
    assert panel.metrics == ("FA",)
    assert panel.errors["FA"][1] == 0.1
    assert panel.counts["FA"].tolist() == [0, 20]


def test_every_form_gives_the_same_panel(tmp_path):
    wide = pd.read_csv(write(tmp_path, GOOD))
    long = wide.melt(["benchmark", "method", "seed"], var_name="metric")
    records = json.loads(wide.to_json(orient="records"))
    wide.to_parquet(tmp_path / "wide.parquet")
    panels = [
        read_table(write(tmp_path, GOOD)),
        read_table(tmp_path / "wide.parquet"),
        read_table(write(tmp_path, json.dumps(records), "table.json")),
        read_table(write(tmp_path, long.to_csv(index=False), "long.csv")),
        from_dataframe(wide),
        from_dataframe(pa.Table.from_pandas(long)),
        from_dataframe(nw.from_native(wide)),
        from_dataframe(wide.sample(frac=1, random_state=0)[wide.columns[::-1]]),
    ]
    for panel in panels[1:]:
        for name in ("benchmark", "method", "seed"):
            assert getattr(panel, name).tolist() == getattr(panels[0], name).tolist()
        for name in ("FA", "RA"):
            np.testing.assert_equal(panel.values[name], panels[0].values[name])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("benchmark,method,seed,FA\n", "has no rows"),
        ("benchmark,seed,FA\nb,1,1\n", r"field 'method': missing column"),
        ("benchmark,method,seed,FA,FA\nb,m,1,0,0\n", r"field 'FA': a second column"),
        ("benchmark,method,seed\nb,m,1\n", "lacks a metric column"),
        ("benchmark,method,seed,FA\nb,m,1,0.1\nb,m,1,0.2\n", r"row 2.*second row"),
        ("benchmark,method,seed,FA\nb,m,1,0.1\nb,k,1,good\n", r"row 2, field 'FA'.*not a number"),
        ("benchmark,method,seed,FA\nb,m,1,inf\n", r"row 1, field 'FA'.*finite"),
        ("benchmark,method,seed,FA\nb,m,1,1e999\n", r"row 1, field 'FA'.*finite"),
        ("benchmark,method,seed,FA\nb,m,x,0.1\n", r"row 1, field 'seed'"),
        ("benchmark,method,seed,FA\nb,m,1.5,0.1\n", r"field 'seed'.*whole"),
        ("benchmark,method,seed,FA\nb,m,,0.1\n", r"row 1, field 'seed'.*empty"),
        ("benchmark,method,seed,FA\nb,,1,0.1\n", r"row 1, field 'method'.*empty"),
        ("benchmark,method,seed,FA\nb,m,1\n", r"row 1: has 3 cells, not 4"),
        ("benchmark,method,seed,XY\nb,m,1,0.1\n", r"field 'XY'.*--direction XY=lower"),
        ("benchmark,method,seed,metric\nb,m,1,FA\n", r"field 'value': missing column"),
        ("benchmark,method,seed,metric,value,status\nb,m,1,FA,1,odd\n", r"row 1, field 'status'"),
        ("benchmark,method,seed,metric,value,status\nb,m,1,FA,,ok\n", r"row 1, field 'FA'.*status"),
        ("benchmark,method,seed,metric,value,role\nb,m,1,FA,1,oracle\n", "no unlearned model"),
        ("benchmark,method,seed,metric,value,se\nb,m,1,FA,1,-1\n", r"field 'se'.*negative"),
        ("benchmark,method,seed,metric,value,n\nb,m,1,FA,1,2.5\n", r"field 'n'.*whole"),
        ('benchmark,method,seed,FA\nb,"m,1,0.1\n', "not a readable CSV"),
    ],
)  # fmt: skip
def test_a_bad_table_is_named(tmp_path, text, problem):
    path = write(tmp_path, text)
    with pytest.raises(DataError, match=problem) as error:
        read_table(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["table.csv", "table.json", "table.parquet"])
def test_a_file_that_is_no_table(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(bytes(range(256)) * 4)
    with pytest.raises(DataError, match="not a readable"):
        read_table(path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{}", "not a list of records"),
        ("[1]", "not a list of records"),
        ("[]", "missing column"),
        ('[{"benchmark": "b", "benchmark": "c"}]', "second column"),
        ('[{"benchmark":"b","method":"m","seed":1,"FA":true}]', "not a number"),
        ('[{"benchmark":"b","method":"m","seed":1,"FA":[1]}]', "not a number"),
        ('[{"benchmark":"b","method":"m","seed":1,"FA":Infinity}]', "finite"),
    ],
)
def test_bad_json(tmp_path, text, problem):
    with pytest.raises(DataError, match=problem):
        read_table(write(tmp_path, text, "table.json"))


def test_no_file_a_folder_and_an_unknown_suffix(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="folder"):
        read_table(tmp_path)
    with pytest.raises(DataError, match="is not a readable table"):
        read_table(write(tmp_path, "words", "table.xyz"))
    assert read_table(write(tmp_path, GOOD, "table.xyz")).metrics == ("FA", "RA")


def test_what_is_no_dataframe():
    with pytest.raises(UserError, match="list is not a dataframe"):
        from_dataframe([1, 2])
    doubled = pd.DataFrame(
        [["b", "m", 1, 0.1, 0.2]], columns=["benchmark", "method", "seed", "FA", "FA"]
    )
    with pytest.raises(DataError, match="name"):
        from_dataframe(doubled)


def test_directions_are_given_or_known(tmp_path):
    path = write(tmp_path, GOOD.replace("RA", "XY"))
    panel = read_table(path, {"XY": "target"})
    assert panel.better == {"FA": "lower", "XY": "target"}
    assert read_table(path, {"XY": "lower", "FA": "target"}).better["FA"] == "target"
    with pytest.raises(UserError, match="ZZ"):
        read_table(path, {"ZZ": "lower", "XY": "lower"})


def test_code_names_become_symbols(tmp_path):
    assert read_table(write(tmp_path, GOOD.replace("FA", "forget_accuracy"))).metrics == (
        "FA",
        "RA",
    )


def test_several_oracles_become_one_value():
    rows = [
        row(metric="AD", oracle_seed=oracle, value=value, se=se)
        for oracle, value, se in ((0, 1.0, 0.2), (1, 3.0, 0.4))
    ]
    panel = from_rows(rows)
    assert panel.values["AD"].tolist() == [2.0]
    assert panel.errors["AD"] == pytest.approx([0.3])


def test_the_values_by_each_oracle_stand_behind_their_mean():
    rows = [
        row(metric="AD", seed=seed, oracle_seed=oracle, value=value)
        for seed, oracle, value in ((1, 0, 1.0), (1, 1, 3.0), (2, 1, 5.0))
    ]
    panel = from_rows([*rows, row(seed=2)])
    assert panel.by_oracle.keys() == {"AD"}
    np.testing.assert_array_equal(panel.by_oracle["AD"], [[1, 3], [np.nan, 5]])
    np.testing.assert_array_equal(panel.take(np.array([1])).by_oracle["AD"], [[np.nan, 5]])


def test_each_pair_of_oracles_is_one_floor():
    rows = [
        row(role="oracle", method="retrain", metric="AD", seed=seed, oracle_seed=other, value=value)
        for seed, other, value in ((0, 1, 1.0), (1, 0, 3.0), (0, 2, 4.0), (2, 2, 0.0))
    ]
    assert from_rows([row(), *rows]).floors["b", "AD"].tolist() == [2, 4]


def test_other_roles_are_kept_beside_the_panel():
    rows = [
        row(),
        row(role="original", method="original", value=0.9, seed=0),
        *(row(role="oracle", method="retrain", seed=s, value=v) for s, v in ((0, 0.2), (1, 0.1))),
        row(role="oracle", method="retrain", metric="AD", seed=0, oracle_seed=1, value=4.0),
        row(role="oracle", method="retrain", metric="AD", seed=0, oracle_seed=0, value=0.0),
        row(role="baseline", method="nothing", value=0.7),
        row(metric="AD", oracle_seed=0, value=7.0),
    ]
    panel = from_rows(rows)
    assert len(panel) == 1
    assert panel.originals["b", "FA"].tolist() == [0.9]
    assert panel.oracles["b", "FA"].tolist() == [0.1, 0.2]
    assert panel.floors == {("b", "AD"): np.array([4.0])}
    assert ("b", "AD") not in panel.oracles


def test_only_the_headline_split_is_the_metric():
    panel = from_rows([row(), row(split="forget_reworded", value=0.1)])
    assert panel.values["FA"].tolist() == [0.5]


def test_variants_are_told_apart_only_where_there_are_several():
    rows = [row(strength="1"), row(strength="2"), row(method="k", strength="9")]
    assert from_rows(rows).method.tolist() == ["k", "m@1", "m@2"]
    tuned = [row(strength="1"), row(strength="2", benchmark="c")]
    assert from_rows(tuned).method.tolist() == ["m", "m"]
    editions = [row(), row(edition="full")]
    assert from_rows(editions).benchmark.tolist() == ["b:full", "b:tiny"]


def test_our_parquet_keeps_its_statuses(tmp_path):
    rows = [
        row(),
        row(metric="AD", oracle_seed=0, value=None, se=None, status="collapsed"),
        row(method="k", seed=2),
    ]
    results.write(rows, tmp_path / "results.parquet")
    panel = read_table(tmp_path / "results.parquet")
    assert panel.statuses["AD"].tolist() == ["too_few", "collapsed"]
    assert np.isnan(panel.values["AD"]).all()


def test_our_own_table_is_checked_as_our_own(tmp_path):
    results.write([row()], tmp_path / "results.parquet")
    table = pq.read_table(tmp_path / "results.parquet")
    bad = table.set_column(table.column_names.index("value"), "value", pa.array(["x"]))
    pq.write_table(bad, tmp_path / "bad.parquet")
    with pytest.raises(DataError, match=r"field 'value': has type string"):
        read_table(tmp_path / "bad.parquet")


def test_a_truncated_parquet(tmp_path):
    results.write([row()], tmp_path / "results.parquet")
    whole = (tmp_path / "results.parquet").read_bytes()
    (tmp_path / "half.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="not a readable Parquet"):
        read_table(tmp_path / "half.parquet")


def test_equal_rows_of_two_studies_are_refused():
    with pytest.raises(DataError, match="second row"):
        from_rows([row(), replace(row(), study="t")])


def test_attacked_and_reference_models_are_no_rows_of_the_panel(tmp_path):
    text = (
        "benchmark,method,seed,FA,stage,knowledge\nb,m,1,0.1,before,\nb,m,1,0.9,relearned,\n"
        "b,k,1,0.2,,\nb,reference,1,0.8,,present\n"
    )
    panel = read_table(write(tmp_path, text))
    assert panel.values["FA"].tolist() == [0.2, 0.1]
