from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from uqs.cli.audit import audit, parse_directions
from uqs.errors import DataError, UserError

app = typer.Typer()
app.command()(audit)
PUBLISHED = Path(str(files("uqs.reproduction") / "multimodal_llava15_7b.csv"))
TABLE = "benchmark,method,seed,FA,<b>,oracle_distance\n" + "".join(
    f"b,{method},1,{fa},{other},{distance}\n"
    for method, fa, other, distance in (("<i>x</i>", 0.1, 1, 3), ("k", 0.2, 3, 2), ("l", 0.4, 2, 1))
)


def run(*words: str | Path, ok: bool = True):
    result = CliRunner().invoke(app, [str(word) for word in words])
    if ok:
        assert result.exit_code == 0, result.exception
    return result


def test_verdicts_come_before_tables():
    text = run(PUBLISHED).stdout
    assert text.index("FA and RA are constant on 2 of 3 benchmarks") < text.index("Which metric")
    assert "refused" in text


def test_json_has_the_documented_keys_and_no_nan():
    found = json.loads(run(PUBLISHED, "--json").stdout, parse_constant=pytest.fail)
    assert {"agreement", "reliability", "clusters", "degenerate", "design", "verdicts"} <= set(
        found
    )
    pair = found["agreement"][0]
    assert {"a", "b", "stratified", "pooled", "per_benchmark"} <= set(pair)
    inner = {"groups_defined", "groups", "p_exact", "p_adjusted", "interval", "status"}
    assert {"tau_b", *inner} <= set(pair["stratified"])
    entry = found["reliability"][0]
    assert {"rho", *inner} <= set(entry["stratified"])
    assert {"rho", "p_exact", "sentinel_rho"} <= set(entry["pooled"])
    assert {"cells", "methods", "benchmarks", "seeds", "min_p", "min_detectable_tau"} <= set(
        found["design"]
    )


def test_the_same_seed_prints_the_same():
    first, second, third = (
        run(PUBLISHED, "--json", "--seed", seed).stdout for seed in ("1", "1", "2")
    )
    assert first == second != third


def test_a_page_of_escaped_html(tmp_path):
    table, page = tmp_path / "<u>.csv", tmp_path / "audit.html"
    table.write_text(TABLE)
    run(table, "--direction", "<b>=lower", "--html", page)
    text = page.read_text()
    for bad in ("<i>", "<b>", "<u>", "http://", "https://", "<script"):
        assert bad not in text
    assert "&lt;b&gt;" in text
    assert list(tmp_path.glob("*.part")) == []


def test_a_page_that_cannot_be_written(tmp_path):
    result = run(PUBLISHED, "--html", tmp_path / "none" / "audit.html", ok=False)
    assert isinstance(result.exception, UserError)


def test_an_unknown_metric_needs_a_direction(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text(TABLE)
    result = run(table, ok=False)
    assert isinstance(result.exception, DataError)
    assert "--direction <b>=lower" in str(result.exception)


def test_directions():
    assert parse_directions(["a=lower", "b=target"]) == {"a": "lower", "b": "target"}
    for bad in (["a"], ["a=up"], ["=lower"], ["a=lower", "a=higher"]):
        with pytest.raises(UserError, match="--direction"):
            parse_directions(bad)
