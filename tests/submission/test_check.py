"""Faults that somebody puts into results are found, each in a line that names file, row and field."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from uqs import benchmarks, results
from uqs.card_metadata import KEY
from uqs.cli.app import app
from uqs.gaps import with_gaps
from uqs.report.analysis import analyse, tree
from uqs.results import items
from uqs.results.items import Item
from uqs.results.public import MOST_ROWS
from uqs.submission import problems, recomputed

_SPEC = importlib.util.spec_from_file_location(
    "report_fixtures", Path(__file__).parents[1] / "report" / "conftest.py"
)
assert _SPEC is not None
assert _SPEC.loader is not None
_REPORT = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_REPORT)


def digest(*parts: object) -> str:
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:16]


@pytest.fixture(scope="module")
def data_hashes():
    names = ("mllmu_bench", "mmubench", "unlok_vqa")
    return {name: benchmarks.load(f"{name}:tiny").data_hash for name in names}


@pytest.fixture(scope="module")
def sound(data_hashes):
    """The rows as an honest study would have written them."""
    published = [*_REPORT.published_rows()]
    rows = [*published, *_REPORT.reference_rows(dict.fromkeys(row.benchmark for row in published))]
    rows = [
        replace(
            row,
            config_hash=digest(row.benchmark, row.role, row.method, row.seed),
            data_hash=data_hashes[row.benchmark],
        )
        for row in rows
        if row.benchmark == "mmubench"
    ]
    return with_gaps(rows)


@pytest.fixture(scope="module")
def claim(sound, tmp_path_factory):
    """The score of the honest rows."""
    folder = tmp_path_factory.mktemp("honest")
    results.write(sound, folder / "results.parquet")
    return {"score": tree(analyse(folder))["score"]}


@pytest.fixture
def submitted(claim, sound, tmp_path):
    """A folder with the honest rows and their score, or with other rows beside that claim."""

    def make(rows=None):
        run = tmp_path / "run"
        (run / "report").mkdir(parents=True, exist_ok=True)
        results.write(rows or sound, run / "results.parquet")
        (run / "report" / "analysis.json").write_text(json.dumps(claim))
        return run

    return make


def changed(rows, **changes):
    """The rows with another value in the first unlearned model's row of FA on forget."""
    at = next(at for at, row in enumerate(rows) if row.role == "unlearned")
    return [*rows[:at], replace(rows[at], **changes), *rows[at + 1 :]]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"config_hash": "my model"}, "field 'config_hash': 'my model' is no hash"),
        ({"data_hash": "0" * 64}, "has two hashes of its data"),
        ({"method": "../../etc/passwd"}, "field 'method': '../../etc/passwd' is a path, not a name"),
        ({"study": "C:\\Users"}, "field 'study': 'C:\\\\Users' is a path, not a name"),
        ({"method": "a\x07b"}, "has control characters"),
        ({"value": 1.5}, "1.5 is outside 0 to 1"),
        ({"gap": -5.0}, "field 'gap': -5.0 is claimed, and the rows give"),
    ],
)  # fmt: skip
def test_a_fault_is_a_line_that_says_where(sound, submitted, changes, expected):
    run = submitted(changed(sound, **changes))
    found = problems(run)
    assert any(expected in line and "results.parquet, row " in line for line in found), found
    assert all("\n" not in line for line in found)


def test_several_faults_are_several_lines_and_exit_code_2(submitted):
    run = submitted()
    path = run / "results.parquet"
    frame = pq.read_table(path).to_pandas()
    frame.loc[0, "status"] = "excellent"
    frame.loc[3, "n"] = -2
    frame.loc[5, "hyperparameters"] = "{"
    pq.write_table(pa.Table.from_pandas(frame, schema=results.SCHEMA, preserve_index=False), path)
    found = problems(run)
    for place in ("row 1, field 'status'", "row 4, field 'n'", "row 6, field 'hyperparameters'"):
        assert any(place in line for line in found), found
    done = CliRunner().invoke(app, ["submit", "validate", str(run)])
    assert done.exit_code == 2
    assert done.stdout.splitlines() == found
    assert done.stderr == f"{len(found)} problems\n"


def test_one_model_under_two_names_is_found(sound, submitted):
    twin = next(row for row in sound if row.method == "salun")
    rows = [
        replace(row, config_hash=twin.config_hash)
        if (row.benchmark, row.method, row.seed) == (twin.benchmark, "random_labels", twin.seed)
        else row
        for row in sound
    ]
    (line,) = problems(submitted(rows))
    assert "one model twice" in line
    assert "salun" in line
    assert "random_labels" in line


def test_a_claimed_score_is_computed_again(submitted, claim, monkeypatch):
    run = submitted()
    found = analyse(run)
    monkeypatch.setattr(recomputed, "analyse", lambda _: found)  # the same rows each time
    file = run / "report" / "analysis.json"
    raised = json.loads(json.dumps(claim))
    best = raised["score"]["overall"]["equal"]["methods"][0]
    best["uqs"] += 0.01
    file.write_text(json.dumps(raised))
    (line,) = problems(run)
    assert f"field 'score.overall.equal': {best['method']}: uqs {best['uqs']!r} is claimed" in line
    del raised["score"]["overall"]["published"]["methods"][0]
    best["uqs"] -= 0.01
    file.write_text(json.dumps(raised))
    (line,) = problems(run)
    assert "field 'score.overall.published': ranks other methods than the results" in line
    file.write_text("[1]")
    assert "holds no scores" in problems(run)[0]
    file.unlink()
    assert "there is no claimed score" in problems(run)[0]


def test_a_value_must_be_the_mean_of_its_items(sound, submitted):
    run = submitted()
    row = next(row for row in sound if row.role == "unlearned" and row.metric == "FA")
    fields = {name: getattr(row, name) for name in items.KEY if name != "id"}
    right = [Item(**fields, id="a", entity="e", value=row.value)]
    items.write(right, run / "items.parquet")
    assert list(recomputed.items(sound, run / "results.parquet")) == []
    items.write(
        [*right, Item(**fields, id="b", entity="e", value=row.value + 0.5)], run / "items.parquet"
    )
    (line,) = problems(run)
    assert f"is not the mean of its items, {row.value + 0.25:.6g}" in line
    items.write([replace(right[0], method="unheard_of")], run / "items.parquet")
    assert "has items of no row" in problems(run)[0]


def test_a_file_cannot_turn_a_metric_round(submitted):
    run = submitted()
    path = run / "results.parquet"
    table = pq.read_table(path)
    facts = json.loads(table.schema.metadata[KEY.encode()])
    for one in facts:
        if one["symbol"] == "RA":
            one["better"] = "lower"
    pq.write_table(table.replace_schema_metadata({KEY: json.dumps(facts)}), path)
    found = problems(run)
    assert any("the file says better 'lower', and UQS says 'higher'" in line for line in found)


def test_a_table_of_a_million_rows_is_refused_unread(tmp_path):
    path = tmp_path / "results.parquet"
    pq.write_table(pa.table({"value": pa.nulls(1_000_000, pa.float64())}), path)
    assert problems(path) == [f"{path}: has 1,000,000 rows; at most {MOST_ROWS:,} are read"]


@pytest.mark.parametrize("content", [b"", b"PAR1 not parquet", b"a,b\n1,2\n"])
def test_what_is_no_table_is_one_line(tmp_path, content):
    path = tmp_path / "results.parquet"
    path.write_bytes(content)
    (line,) = problems(path)
    assert "is not a readable Parquet file" in line


def test_wrong_types_and_missing_columns_are_each_named(submitted):
    run = submitted()
    path = run / "results.parquet"
    table = pq.read_table(path)
    at = table.schema.get_field_index("seed")
    table = table.set_column(at, "seed", table["seed"].cast(pa.string())).drop_columns(["metric"])
    pq.write_table(table, path)
    found = problems(run)
    assert [line.partition("field ")[2] for line in found] == [
        "'seed': has type string, not int64",
        "'metric': missing column",
    ]


def test_a_path_that_is_not_there_is_an_error(tmp_path):
    done = CliRunner().invoke(app, ["submit", "validate", str(tmp_path / "none")])
    assert done.exit_code != 0
    assert "no such file or folder" in str(done.exception)
