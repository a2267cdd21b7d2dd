"""`uqs audit` on files."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from uqs.cli.options import parse_directions
from uqs.errors import UserError

PUBLISHED = Path(str(files("uqs.reproduction") / "multimodal_llava15_7b.csv"))
TABLE = "benchmark,method,seed,FA,<b>,oracle_distance\n" + "".join(
    f"b,{method},1,{fa},{other},{distance}\n"
    for method, fa, other, distance in (("<i>x</i>", 0.1, 1, 3), ("k", 0.2, 3, 2), ("l", 0.4, 2, 1))
)


@pytest.fixture(scope="module")
def quick() -> tuple[str, int]:
    """Few draws: what is printed does not hang on how many."""
    return "--resamples", 200


def test_verdicts_come_before_the_tables_that_carry_them(uqs, quick):
    said = uqs("audit", PUBLISHED, *quick)
    assert (said.code, said.err) == (0, "")
    titles = (
        "order the methods?\n",
        "Which metric follows the oracle distance",
        "Which metrics agree",
    )
    lines = [line.rstrip() + "\n" for line in said.out.splitlines()]
    out = "".join(lines)
    places = [out.index(part) for part in ("FA and RA are constant on 2 of 3", *titles)]
    assert places == sorted(places)
    assert "refused" in said.out
    assert said.out.count("┏") == 3
    for title in ("Design", "Metrics that say nothing", "Metric against metric"):
        assert title in said.out.partition("More with --full: ")[2]


def test_of_two_distances_the_first_has_its_table(uqs, quick, tmp_path):
    table = tmp_path / "t.csv"
    lines = PUBLISHED.read_text().splitlines()
    more = ["functional_distance", *(str(i % 7 / 10) for i in range(len(lines) - 1))]
    table.write_text("".join(f"{a},{b}\n" for a, b in zip(lines, more, strict=True)))
    said = uqs("audit", table, *quick)
    assert said.code == 0, said.err
    assert said.out.count("┏") == 3
    rest = said.out.partition("More with --full: ")[2]
    assert "Which metric follows the functional distance" in " ".join(rest.split())


def test_all_tables_are_printed_where_they_are_asked_for(uqs, quick):
    said = uqs("audit", PUBLISHED, "--full", *quick)
    tables = ("Design", "Metrics that say nothing", "Which metric follows", "Metric against metric")
    for title in tables:
        assert f"\n{title}" in said.out
    assert "--full" not in said.out
    assert said.out.count("┏") > 4


def test_a_long_table_is_printed_only_where_it_is_asked_for(uqs, quick, tmp_path):
    """Ten metrics make 45 pairs."""
    names = [f"m{i}" for i in range(10)]
    lines = [",".join(["benchmark", "method", "seed", *names])]
    for k in range(4):
        lines.append(",".join(["b", f"x{k}", "1", *(str((7 * k + 3 * i) % 5) for i in range(10))]))
    table = tmp_path / "t.csv"
    table.write_text("\n".join(lines) + "\n")
    given = [word for name in names for word in ("--direction", f"{name}=lower")]
    said = uqs("audit", table, *given, *quick)
    assert said.code == 0, said.err
    assert "Which metrics agree" in said.out.partition("More with --full: ")[2]
    full = uqs("audit", table, "--full", *given, *quick)
    assert "Which metrics agree" in full.out
    assert full.out.count(" m0-m") >= 9


def test_json_has_the_documented_keys_and_no_nan(uqs, quick):
    said = uqs("audit", PUBLISHED, "--json", *quick)
    found = json.loads(said.out, parse_constant=pytest.fail)
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


def test_the_same_seed_prints_the_same(uqs, quick):
    first, second, third = (
        uqs("audit", PUBLISHED, "--json", "--seed", seed, *quick).out for seed in (1, 1, 2)
    )
    assert first == second != third


def test_a_page_of_escaped_html(uqs, quick, tmp_path):
    table, page = tmp_path / "<u>.csv", tmp_path / "audit.html"
    table.write_text(TABLE)
    said = uqs("audit", table, "--direction", "<b>=lower", "--html", page, *quick)
    assert said.code == 0, said.err
    text = page.read_text()
    for bad in ("<i>", "<b>", "<u>", "http://", "https://", "<script"):
        assert bad not in text
    assert "&lt;b&gt;" in text
    assert "Metrics that say nothing" in text or "Design" in text  # all tables, not two
    assert sorted(path.name for path in tmp_path.iterdir()) == ["<u>.csv", "audit.html"]


def test_a_page_that_cannot_be_written(uqs, quick, tmp_path):
    page = tmp_path / "none" / "audit.html"
    said = uqs("audit", PUBLISHED, "--html", page, *quick)
    assert (said.code, said.out) == (2, "")
    assert said.err == f"error: {page}: cannot be written (No such file or directory)\n"


def test_an_unknown_metric_needs_a_direction(uqs, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text(TABLE)
    said = uqs("audit", table)
    assert (said.code, said.out) == (2, "")
    assert "--direction <b>=lower" in said.err


def test_a_direction_may_stand_before_the_table(uqs, quick, tmp_path):
    """One value an option: the table is not taken for a second direction."""
    table = tmp_path / "table.csv"
    table.write_text(TABLE)
    assert uqs("audit", "--direction", "<b>=lower", *quick, table).code == 0


def test_directions():
    assert parse_directions(["a=lower", "b=target"]) == {"a": "lower", "b": "target"}
    for bad in (["a"], ["a=up"], ["=lower"], ["a=lower", "a=higher"]):
        with pytest.raises(UserError, match="--direction"):
            parse_directions(bad)


def test_the_schema_of_the_json_is_printed(uqs, quick):
    """Without a table; what --json prints keeps to it."""
    said = uqs("audit", "--schema")
    assert (said.code, said.err) == (0, "")
    found = json.loads(uqs("audit", PUBLISHED, "--json", *quick).out)
    Draft202012Validator(json.loads(said.out)).validate(found)


def test_references_alone_say_what_metrics_are_worth(uqs, quick, tmp_path):
    """FA follows the share exactly, RA not at all; with one share nothing is known, and nothing said."""
    lines = ["benchmark,method,seed,role,share,FA,RA"]
    for share, role in ((0, "oracle"), (0.5, "reference"), (1, "original")):
        for seed in (1, 2, 3):
            fa, ra = 0.1 + 0.6 * share + 0.01 * seed, 0.5 + 0.1 * (seed == 2)
            lines.append(f"b,{role},{seed},{role},{share},{fa},{ra}")
    table = tmp_path / "t.csv"
    table.write_text("\n".join(lines) + "\n")
    said = uqs("audit", table, *quick)
    assert (said.code, said.err) == (0, "")
    out = " ".join(said.out.split())
    assert "Of 2 metrics 1 say on all of 1 benchmark how much a retrained model knows" in out
    assert out.count("Without unlearned models") == 2  # in short, and in detail
    assert "Which metrics follow the truth" in out and "order the methods?" not in out
    table.write_text("\n".join([lines[0], *lines[4:7]]) + "\n")
    said = uqs("audit", table, *quick)
    assert (said.code, said.out) == (2, "")
    assert said.err == f"error: {table}: contains no unlearned model\n"


def test_arms_stand_beside_the_published_ones(uqs, quick, tmp_path):
    rows = ["benchmark,arm,method,seed,FA,RA"]
    rows += [
        f"b,{a},m{m},1,{m / 10},{m / 10 if a == 'x' else -m / 10 + 0.7}"
        for a in "xy"
        for m in range(7)
    ]
    table = tmp_path / "t.csv"
    table.write_text("\n".join(rows) + "\n")
    said = uqs("audit", table, *quick, "--by", "arm")
    assert (said.code, said.err) == (0, "")
    out = " ".join(said.out.split())
    assert "Arms: x and y; 7 methods in all of them." in out
    assert "0.086 for the multimodal and 0.158 for the unimodal arm" in out
    assert "no p can fall below 0.125" in out
    told = uqs("audit", table, *quick, "--by", "arms")
    assert (told.code, told.out) == (2, "")
    assert told.err.count("\n") == 1 and "did you mean 'arm'?" in told.err
