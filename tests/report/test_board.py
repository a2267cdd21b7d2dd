from __future__ import annotations

import gzip
import json
import sys
from base64 import b64decode, b64encode
from dataclasses import dataclass, field, fields, replace
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files
from statistics import fmean

import pytest

from uqs.report.analysis import analyse
from uqs.report.board import page
from uqs.report.headlines import headlines
from uqs.results import Row
from uqs.results.tables import read_table
from uqs.score import score
from uqs.text import MINUS

VOID = {"meta"}
HOSTILE = "<script>alert(1)</script>"
EVIL = '"><img src=x onerror=alert(1)>'


@dataclass
class OrderFinding:
    """A cell: its text without the small print, and its exact value."""

    text: str
    small: str
    value: str | None


@dataclass
class Table:
    caption: str = ""
    head: list[str] = field(default_factory=list)
    rows: dict[tuple[str, ...], list[OrderFinding]] = field(default_factory=dict)


class Page(HTMLParser):
    """What a page holds; fails on elements that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.tables: dict[str, Table] = {}
        self.row: list[OrderFinding] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        assert len(attributes) == len(attrs), f"{tag} has an attribute twice"
        self.tags.append((tag, attributes))
        if tag in VOID:
            return
        self.open.append(tag)
        self.texts.setdefault(tag, []).append("")
        if tag == "table":
            self.table = Table()
        elif tag == "tr":
            self.row = []
        elif tag in ("td", "th"):
            self.row.append(OrderFinding("", "", attributes.get("data-value")))

    def handle_data(self, data):
        for tag in set(self.open):
            self.texts[tag][-1] += data
        if not self.open or not {"td", "th"} & set(self.open):
            return
        if "small" in self.open:
            self.row[-1].small += data
        else:
            self.row[-1].text += data

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag == "caption":
            self.table.caption = self.texts["caption"][-1]
        elif tag == "tr" and not self.table.head:
            self.table.head = [cell.text for cell in self.row]
        elif tag == "tr":
            names = [cell.text for cell in self.row]
            key = tuple(names[:2]) if self.table.caption.startswith("Every run") else (names[0],)
            self.table.rows[key] = self.row
        elif tag == "table":
            self.tables[self.table.caption] = self.table

    def attributes(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def application() -> str:
    return files("uqs.report.board").joinpath("live/app.js").read_text(encoding="utf-8")


def text_of(run) -> str:
    return page(analyse(run))


def test_structure(rows, make_run):
    text = text_of(make_run(rows))
    found = Page(text)
    assert text.startswith('<!doctype html>\n<html lang="en">')
    assert found.texts["h1"] == ["UQS board: paper"]
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for link in found.attributes("a"):
        assert link["href"].removeprefix("#") in ids
    for section in found.attributes("section"):
        assert section["aria-labelledby"] in ids
    for header in found.attributes("th"):
        assert header["scope"] in ("row", "col")


def test_the_page_begins_with_the_answers_of_the_printed_report(rows, make_run):
    found = analyse(make_run(rows))
    shown = Page(page(found))
    assert shown.texts["h2"][0] == "In short"
    answers = headlines(found)
    assert len(answers) > 2
    assert shown.texts["li"][: len(answers)] == answers


def test_headers_that_sort_are_buttons(rows, make_run):
    found = Page(text_of(make_run(rows)))
    sortable = [one for one in found.attributes("th") if one.get("aria-sort")]
    buttons = [one for one in found.attributes("button") if "data-first" in one]
    assert len(buttons) == len(sortable) > 40
    assert {one["data-first"] for one in buttons} == {"ascending", "descending"}


def test_nothing_is_loaded_from_anywhere(rows, make_run):
    text = text_of(make_run(rows))
    # the application has addresses in its licences and its XML names; the policy bars all of them
    page_alone = text.replace(application(), "")
    assert "://" not in page_alone
    assert "url(" not in page_alone
    assert "@import" not in text
    for _, attributes in Page(text).tags:
        assert not {"src", "srcset", "action", "style", "onclick"} & set(attributes)
        assert attributes.get("href", "#").startswith("#")


def test_the_policy_allows_this_style_and_this_script_only(rows, make_run):
    found = Page(text_of(make_run(rows)))
    (policy,) = [one["content"] for one in found.attributes("meta") if "http-equiv" in one]
    (style,) = found.texts["style"]
    parts = (style, *found.texts["script"][-2:])
    digests = [b64encode(sha256(part.encode()).digest()).decode() for part in parts]
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{digests[0]}';" in policy
    assert f"script-src 'sha256-{digests[1]}' 'sha256-{digests[2]}';" in policy
    assert policy.count("img-src blob:") == policy.count("img-src") == 1
    assert "unsafe" not in policy


def unpacked(text):
    """What a packed script element holds."""
    return json.loads(gzip.decompress(b64decode(text)))


def test_hostile_names_stay_text(rows, make_run):
    rows = [
        replace(
            row,
            study="</title><b>bold",
            benchmark=row.benchmark.replace("mmubench", EVIL),
            method=row.method.replace("salun", HOSTILE),
            hyperparameters='{"a": "</script><script>alert(2)</script><!--"}',
        )
        for row in rows
    ]
    found = Page(text_of(make_run(rows)))
    assert len(found.attributes("script")) == 6
    assert found.attributes("img") == found.attributes("b") == []
    assert found.texts["title"][0] == "UQS board: </title><b>bold"
    assert (HOSTILE,) in found.tables[f"UQS on {EVIL}"].rows
    assert (HOSTILE,) in found.tables[f"All metrics on {EVIL}"].rows
    numbers = unpacked(found.texts["script"][0])
    assert HOSTILE in json.dumps(numbers["results"]["rows"])


def test_the_numbers_travel_with_the_page(rows, make_run):
    run = make_run(rows)
    numbers = unpacked(Page(text_of(run)).texts["script"][0])
    columns = numbers["results"]["columns"]
    assert set(columns) == {one.name for one in fields(Row)} - {"seconds"}
    found = [
        Row(**dict(zip(columns, one, strict=True)), seconds=1.0)
        for one in numbers["results"]["rows"]
    ]
    assert set(found) == {replace(row, seconds=1.0) for row in rows}


def test_the_numbers_of_a_large_table_stay_in_its_files(rows, make_run, monkeypatch):
    # the package has a function of the same name
    monkeypatch.setattr(sys.modules["uqs.report.board.page"], "MOST_ROWS", len(rows) - 1)
    shown = page(analyse(make_run(rows)))
    assert 'id="numbers"' not in shown
    assert 'id="download"' not in shown
    assert f"The table has {len(rows):,} rows, too many for a page" in shown


def test_the_means_shown_are_those_of_the_table(rows, make_run):
    found = Page(text_of(make_run(rows)))
    for benchmark in ("mllmu_bench", "mmubench", "unlok_vqa"):
        table = found.tables[f"All metrics on {benchmark}"]
        metrics = [name.replace(" ", "_") for name in table.head[1:]]
        assert metrics == ["FA", "RA", "MIA", "AD", "JS", "oracle_distance"]
        for label, role in (("salun", "salun"), ("gradient_ascent",) * 2, ("original",) * 2):
            for metric, cell in zip(metrics, table.rows[(label,)][1:], strict=True):
                values = [
                    row.value
                    for row in rows
                    if (row.benchmark, row.method, row.metric) == (benchmark, role, metric)
                    and row.split != "forget_reworded"
                ]
                assert float(cell.value) == pytest.approx(fmean(values), abs=1e-12)
                assert_rounds(cell.text.split(" ± ")[0], fmean(values))


def test_the_runs_shown_are_those_of_the_table(rows, make_run):
    table = Page(text_of(make_run(rows))).tables[
        "Every run on mmubench, with the standard error of the items"
    ]
    assert len(table.rows) == 12
    wanted = {
        (row.method, str(row.seed)): row.value
        for row in rows
        if (row.benchmark, row.role, row.metric) == ("mmubench", "unlearned", "RA")
    }
    at = table.head.index("RA")
    assert {key: float(cells[at].value) for key, cells in table.rows.items()} == wanted
    for key, cells in table.rows.items():
        assert_rounds(cells[at].text.split(" ± ")[0], wanted[key])


def assert_rounds(text: str, value: float) -> None:
    assert float(text.replace(MINUS, "-")) == pytest.approx(value, abs=5.1e-4, rel=0.0501)


def test_the_ranking_is_that_of_the_score(rows, make_run):
    run = make_run(rows)
    found = Page(text_of(run))
    panel = read_table(run / "results.parquet")
    for caption, part in (
        ("UQS over 3 benchmarks", panel),
        ("UQS on unlok_vqa", panel.take(panel.benchmark == "unlok_vqa")),
    ):
        table = found.tables[caption]
        equal, published = score(part, "equal"), score(part, "published")
        assert list(table.rows) == [(one.method,) for one in equal.methods]
        for one in equal.methods:
            cells = table.rows[(one.method,)]
            assert [cells[1].text, cells[3].text.split(" to ")[0]] == [
                str(one.rank),
                str(one.rank_interval[0]),
            ]
            assert float(cells[2].value) == one.uqs
            assert cells[3].small == f"tie group {one.tie_group}"
        for one in published.methods:
            assert float(table.rows[(one.method,)][5].value) == one.uqs


def test_agreement_shows_values_coverage_and_why_there_is_none(rows, make_run):
    run = make_run(rows)
    found, audit = Page(text_of(run)), analyse(run).audit
    overall, constant = found.tables["Mean over benchmarks"], found.tables["mllmu_bench"]
    for one in audit.agreement:
        at = overall.head.index(one.b)
        cell = overall.rows[(one.a,)][at]
        assert float(cell.value) == one.tau.stratified.value
        assert cell.small == f"{one.tau.stratified.groups_defined} of 3"
        assert float(cell.text.replace(MINUS, "-")) == round(one.tau.stratified.value, 2)
    cell = constant.rows[("FA",)][constant.head.index("RA")]
    assert (cell.text, cell.value) == ("constant", None)


def test_reliability_is_that_of_the_audit(rows, make_run):
    run = make_run(rows)
    table = Page(text_of(run)).tables["Which metric follows the oracle distance"]
    for one in analyse(run).audit.reliability:
        cells = table.rows[(one.metric,)]
        assert float(cells[1].value) == one.rho.stratified.value
        assert float(cells[2].value) == one.test.p
        assert float(cells[3].value) == one.p_adjusted


def test_a_failed_gate_is_in_red_and_its_benchmark_is_not_ranked(rows, make_run, failing):
    found = Page(text_of(make_run(failing(rows, "mmubench"), failed=["mmubench"])))
    banners = [one for one in found.attributes("div") if one.get("class") == "banner bad"]
    assert len(banners) == 2
    assert found.texts["strong"][0].startswith("mmubench failed its gates")
    assert "UQS on mmubench" not in found.tables
    assert "UQS over 2 benchmarks" in found.tables
    means = found.tables["All metrics on mmubench"].rows
    assert {cell.text for cell in means[("salun",)][1:]} == {"gate failed"}
    assert means[("original",)][1].text.startswith("0.98")
    gates = found.tables["What held before anything was unlearned"].rows
    assert [cells[-1].text for cells in gates.values()] == ["passed", "FAILED", "passed"]


def test_an_oracle_that_was_left_out_is_in_red_and_its_benchmark_is_ranked(
    rows, make_run, dropping
):
    found = Page(text_of(make_run(dropping(rows, "mmubench"), dropped=["mmubench"])))
    assert found.texts["strong"][0] == (
        "mmubench: oracle 1 was left out; 1 oracle left, so there is no noise floor."
    )
    assert "UQS on mmubench" in found.tables
    gates = found.tables["What held before anything was unlearned"].rows
    asked = [cells[-2].text for name, cells in gates.items() if name[0] == "mmubench"]
    assert set(asked) == {"below 0.125"}


def test_when_every_gate_failed(rows, make_run, failing):
    names = ["mllmu_bench", "mmubench", "unlok_vqa"]
    for name in names:
        rows = failing(rows, name)
    found = Page(text_of(make_run(rows, failed=names)))
    assert not any(caption.startswith("UQS o") for caption in found.tables)
    assert any("no benchmark passed its gates" in one for one in found.texts["p"])


def test_one_benchmark(rows, make_run):
    found = Page(text_of(make_run([row for row in rows if row.benchmark == "mmubench"])))
    assert "UQS on mmubench" in found.tables
    cell = found.tables["Mean over benchmarks"].rows[("AD",)][-1]
    assert cell.small == "1 of 1"


@pytest.mark.parametrize("missing", [{"RA"}, {"oracle_distance"}, {"FA", "RA", "MIA", "JS"}])
def test_missing_metrics(rows, make_run, missing):
    found = Page(text_of(make_run([row for row in rows if row.metric not in missing])))
    shown = found.tables["All metrics on mmubench"].head
    assert not {name.replace(" ", "_") for name in shown} & missing
    figures = found.attributes("figure")
    assert len(figures) == (0 if {"FA", "RA"} & missing else 3)


def test_missing_values_are_words(rows, make_run):
    rows = [
        replace(row, value=None, se=None, status="collapsed")
        if (row.method, row.metric, row.role) == ("salun", "JS", "unlearned")
        else row
        for row in rows
    ]
    table = Page(text_of(make_run(rows))).tables["All metrics on mmubench"]
    cell = table.rows[("salun",)][table.head.index("JS")]
    assert (cell.text, cell.value) == ("collapsed", None)


def test_the_picture_shows_every_method_and_both_references(rows, make_run):
    found = Page(text_of(make_run(rows)))
    titles = [text for text in found.texts["title"] if ": FA " in text]
    assert len(titles) == 3 * 6
    assert "oracle: FA 0.210 ± 0.022, RA 0.970 ± 0.022" in titles
