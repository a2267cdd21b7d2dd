"""The tables of `uqs tables`, held against the audit, the score and the rows, and in each format."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from markdown_it import MarkdownIt

from uqs.errors import UserError
from uqs.report.evidence import Evidence
from uqs.report.tables import write as writing
from uqs.report.tables.formats import comma_separated, latex, markdown
from uqs.report.tables.table import NoTable, Table
from uqs.report.tables.write import FORMATS, TABLES, write
from uqs.report.terminal import Sheet
from uqs.report.visible import visible
from uqs.results.tables import read_long, to_panel
from uqs.score import score


@pytest.fixture(scope="module")
def made(evidence: Evidence) -> dict[str, Table]:
    """Every table, made once."""
    found = {name: one(evidence) for name, one in TABLES.items()}
    assert not [one for one in found.values() if isinstance(one, NoTable)]
    return {name: one for name, one in found.items() if isinstance(one, Table)}


def test_results_are_means_over_runs(made: dict[str, Table], evidence: Evidence) -> None:
    long = evidence.long
    fa = long[
        (long["metric"] == "FA") & (long["split"] == "forget") & (long["role"] == "unlearned")
    ]
    expected = fa.groupby(["benchmark", "method"])["value"].mean()
    shown = {
        (one["benchmark"], one["method"]): one["value"]
        for one in made["results"].records
        if (one["metric"], one["line"], one["split"]) == ("FA", "unlearned", "forget")
    }
    assert shown == pytest.approx(expected.to_dict())
    first = made["results"].sheets[0]
    assert first.title == "Results on mllmu_bench"
    assert first.columns[:2] == ("model", "FA") and first.columns[-1] == "runs"
    assert [row[0] for row in first.rows][-3:] == ["original", "oracle", "noise floor"]
    assert first.rules == (4,)


def test_the_ranking_is_the_scores(made: dict[str, Table], evidence: Evidence) -> None:
    assert not isinstance(evidence.score, str)
    ranked = evidence.score.to_dataframe()
    records = made["ranking"].records
    assert [one["method"] for one in records] == ranked["method"].tolist()
    assert [one["uqs"] for one in records] == ranked["uqs"].tolist()
    assert [one["rank_low"] for one in records] == ranked["rank_low"].tolist()
    assert [one["first_share"] for one in records] == ranked["first_share"].tolist()


def test_contradictions_are_the_pairs_below_0(made: dict[str, Table], evidence: Evidence) -> None:
    taus = [one["tau_b"] for one in made["contradictions"].records]
    tree = [one["stratified"]["tau_b"] for one in evidence.audit.to_dict()["agreement"]]
    assert taus == sorted(value for value in tree if value is not None and value < 0)
    ranks = {one.metric: one for one in evidence.audit.separations}
    for row in made["contradictions"].sheets[0].rows:
        a, b = row[0].split(" and ")
        if "not ranked" in row[-1]:
            continue
        method, x, y = re.match(r"(\S+): (\S+) and ([^\s;(]+)", row[-1]).groups()  # type: ignore[union-attr]
        at = ranks[a].methods.index(method)
        assert float(x) == pytest.approx(min(ranks[a].test.mean_ranks), abs=0.051)
        assert float(y) == pytest.approx(ranks[b].test.mean_ranks[at], abs=0.051)


def test_tau_ranks_and_arms_are_the_audits(made: dict[str, Table], evidence: Evidence) -> None:
    tree = evidence.audit.to_dict()["agreement"]
    for one, held in zip(made["tau"].records, tree, strict=True):
        assert (one["a"], one["b"], one["tau_b"]) == (
            held["a"],
            held["b"],
            held["stratified"]["tau_b"],
        )
        assert one["pooled_tau_b"] == held["pooled"]["tau_b"]
        assert one["p"] == held["stratified"]["p_exact"]
    here = [one["tau_b"] for one in made["arms"].records if one["arm"] == "mmubench"]
    assert here == [one["per_benchmark"]["mmubench"]["tau_b"] for one in tree]
    mean = np.mean([value for value in here if value is not None])
    row = next(row for row in made["arms"].sheets[0].rows if row[0] == "mmubench")
    assert float(row[1].replace("\N{MINUS SIGN}", "-")) == pytest.approx(mean, abs=5.1e-4)
    ranks = {(one["metric"], one["method"]): one["mean_rank"] for one in made["ranks"].records}
    for separation in evidence.audit.separations:
        for method, rank in zip(separation.methods, separation.test.mean_ranks, strict=True):
            assert ranks[separation.metric, method] == rank


def test_reliability_has_the_weights(made: dict[str, Table], evidence: Evidence) -> None:
    rows = {one["metric"]: one for one in made["reliability"].records}
    for item in evidence.audit.reliability:
        assert rows[item.metric]["rho"] == item.rho.stratified.value
        assert rows[item.metric]["p_adjusted"] == item.p_adjusted
    assert rows["RA"]["weight[published]"] == pytest.approx(0.6556505, abs=1e-6)
    assert rows["KR"]["weight[equal]"] is None


def test_the_ablation_is_the_score_of_a_table_without_the_metric(
    made: dict[str, Table], evidence: Evidence, ladder_run: Path
) -> None:
    long = read_long(ladder_run / "results.parquet")
    kept = long[long["metric"] != "JS"]
    kept.attrs.update(long.attrs)
    expected = {
        one.method: one.uqs for one in score(to_panel(kept, "x"), long=kept, draws=50).methods
    }
    own = [one for one in made["ablation"].records if one["left_out"] == "JS"]
    assert {one["method"]: one["uqs"] for one in own} == expected
    whole = {one["method"]: one["uqs"] for one in made["ablation"].records if one["left_out"] == ""}
    order = [
        np.sign(whole[a] - whole[b]) * np.sign(expected[a] - expected[b])
        for a in expected
        for b in expected
        if a < b
    ]
    assert own[0]["tau_b"] == pytest.approx(np.mean(order))  # no ties
    assert {one["left_out"] for one in made["ablation"].records} == {"", *evidence.score.metrics}  # type: ignore[union-attr]


def test_stability_is_the_scores(made: dict[str, Table], evidence: Evidence) -> None:
    assert not isinstance(evidence.score, str)
    local = evidence.score.stability.local
    assert [one["mean_tau"] for one in made["stability"].records] == [one.mean_tau for one in local]
    assert [one["same_first"] for one in made["stability"].records] == [
        one.same_first for one in local
    ]


class Cells(HTMLParser):
    """The texts of the cells of a page, and its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data


def test_markdown_shows_hostile_texts_as_they_are(hostile: list[str]) -> None:
    texts = [f"x{one}x" for one in hostile[:3000]]
    rows = [tuple(texts[at : at + 3]) for at in range(0, 3000, 3)]
    page = (
        MarkdownIt("commonmark")
        .enable("table")
        .render(markdown(Table("t", [Sheet("title", ("a", "b", "c"), rows)], [])))
    )
    found = Cells(page)
    assert found.tags == {"h3", "table", "thead", "tbody", "tr", "th", "td"}
    cut = [one.replace("\n", "") for one in found.cells[3:]]
    expected = [visible(" ".join(one.split())) for one in texts]
    for shown, one in zip(cut, expected, strict=True):
        assert shown == one or "\N{HORIZONTAL ELLIPSIS}" in shown


def test_csv_keeps_digits_and_runs_no_formula(hostile: list[str]) -> None:
    value = 0.1 + 0.2
    records = [{"name": one, "value": value, "none": None} for one in hostile]
    read = list(csv.reader(StringIO(comma_separated(Table("t", [], records)), newline="")))
    assert read[0] == ["name", "value", "none"]
    for one, (name, number, none) in zip(hostile, read[1:], strict=True):
        assert name.removeprefix("'") == one.removeprefix("'")
        assert not re.match(r"[=+\-@\t\r]", name)
        assert (float(number), none) == (value, "")


def test_a_wide_table_spans_both_columns_of_a_page_and_has_its_rules() -> None:
    sheet = Sheet("T", ("a", "b"), [("x", "1"), ("y", "2")], "Note.", rules=(1,))
    text = latex(Table("t", [sheet, replace(sheet, columns=tuple("abcdefg"), rows=[])], []))
    assert (
        "\\begin{tabular}{lr}\n\\toprule\na & b \\\\\n\\midrule\nx & 1 \\\\\n\\midrule\ny & 2 \\\\"
        in text
    )
    assert "\\caption{T. Note.}\n\\label{tab:uqs-t}" in text
    assert text.count("\\begin{table*}") == text.count("\\end{table*}") == 1
    long = Sheet("T", ("a",), [(f"r{at}",) for at in range(60)], rules=(30, 40))
    parts = latex(Table("t", [long], [])).split("\\begin{table}")[1:]
    assert ["T (1 of 2)" in parts[0], "T (2 of 2)" in parts[1], len(parts)] == [True, True, 2]
    assert "r29 \\\\\n\\bottomrule" in parts[0] and "r39 \\\\\n\\midrule\nr40" in parts[1]


def test_files_and_what_is_left_out(
    evidence: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lone = replace(evidence, audit=replace(evidence.audit, agreement=(), reliability=()))
    monkeypatch.setattr(writing, "gather", lambda _: lone)
    lines = write(Path("x"), tmp_path / "out", "tex,md,csv", ["arms,tau,stability,reliability"])
    assert lines == [
        "tau: left out; the table has fewer than two metrics",
        "arms: left out; the table has fewer than two metrics",
        "reliability: left out; the table has fewer than two metrics",
        f"stability: {', '.join(str(tmp_path / 'out' / f'stability.{kind}') for kind in FORMATS)}",
    ]
    assert len(list((tmp_path / "out").iterdir())) == 3
    with pytest.raises(UserError, match="unknown format 'tec'; did you mean 'tex'"):
        write(Path("x"), tmp_path, "tec")
