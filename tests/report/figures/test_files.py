"""The files of `uqs figures`: the same bytes every time, hostile names as text, and what is left out."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from uqs import results
from uqs.audit.association import StratifiedMean
from uqs.errors import UserError
from uqs.records import Status
from uqs.report.evidence import Evidence
from uqs.report.figures import arms
from uqs.report.figures.canvas import (
    LONGEST,
    Drawing,
    Missing,
    canvas,
    encoded,
    labels,
    style,
)
from uqs.report.figures.catalogue import DRAWS, drawn
from uqs.report.figures.write import includes, write
from uqs.report.files import write_all
from uqs.results import Row

PUBLISHED = Path(__file__).parents[3] / "src/uqs/reproduction/multimodal_llava15_7b.csv"


def test_published_rows_give_files_and_reasons(tmp_path: Path) -> None:
    """A CSV of unlearned models alone has no ladder and no KR; nothing empty is drawn for them."""
    out = tmp_path / "new" / "out"
    lines = write(PUBLISHED, out, "png,svg", ["tau,kr", "dose", "profiles"])
    assert lines == [
        f"tau: {out / 'tau.svg'}, {out / 'tau.png'}",
        "kr: left out; no unlearned model has a value of KR or KR_IMP",
        "dose: left out; the table has no models that were taught a known share",
        "profiles: left out; no two metrics say how much an unlearned model knows",
    ]
    assert sorted(one.name for one in out.iterdir()) == ["captions.txt", "tau.png", "tau.svg"]
    with Image.open(out / "tau.png") as picture:
        assert picture.size == (990, 990)  # 3.3 inches at 300 dpi
    assert "Agreement of metrics: " in (out / "captions.txt").read_text()


def test_references_alone_and_failed_gates_leave_no_empty_axes(evidence: Evidence) -> None:
    """Every figure is drawn from what there is, or says what there is not."""
    audit = replace(evidence.audit, agreement=(), reliability=(), separations=(), profiles=())
    own = evidence.long[evidence.long["role"] != "unlearned"]
    references = Evidence("references", own, None, audit)
    said = {name: drawn(name, references) for name in DRAWS}
    assert isinstance(said.pop("dose"), list)
    reasons = {name: one.reason for name, one in said.items() if isinstance(one, Missing)}
    assert set(reasons) == set(said)
    for name in ("tau", "ranks", "arms", "pooling", "reliability"):
        assert reasons[name] == "the table has no unlearned models"
    undefined = StratifiedMean(None, 0, 3, Status.GATE_FAILED)
    lost = [
        replace(one, tau=replace(one.tau, stratified=undefined)) for one in evidence.audit.agreement
    ]
    failed = replace(evidence, audit=replace(evidence.audit, agreement=tuple(lost)))
    found = drawn("tau", failed)
    assert isinstance(found, Missing) and found.reason.startswith("no two metrics have a tau-b")


def test_what_fits_no_page_is_left_out(evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arms, "MOST", 10**6)
    pair = evidence.audit.agreement[0]
    cells = {f"b{at}": pair.tau.per_benchmark["mmubench"] for at in range(40)}
    many = replace(pair, tau=replace(pair.tau, per_benchmark=cells))
    found = drawn("arms", replace(evidence, audit=replace(evidence.audit, agreement=(many,))))
    assert isinstance(found, Missing)
    assert found.reason == "it would be 14.6 inches high; a page holds 7.6"
    monkeypatch.undo()
    several = drawn("arms", replace(evidence, audit=replace(evidence.audit, agreement=(many,))))
    assert isinstance(several, list)
    assert [one.name for one in several] == ["arms_1", "arms_2", "arms_3"]


def test_the_same_evidence_gives_the_same_bytes_without_a_date(evidence: Evidence) -> None:
    first, second = (_drawn(evidence, "arms") for _ in range(2))
    for kind in ("pdf", "svg"):
        content = encoded(first, kind)
        assert content == encoded(second, kind)
        assert b"Date" not in content and b"dc:date" not in content
    assert "\\includegraphics[width=\\linewidth]{arms.pdf}" in includes([first])


def _drawn(evidence: Evidence, name: str) -> Drawing:
    with style():
        found = DRAWS[name](evidence)
    assert isinstance(found, list)
    return found[0]


@pytest.mark.parametrize(
    ("formats", "only", "said"),
    [
        ("gif", [], "unknown format 'gif'; known: pdf, svg, png"),
        ("pdf,", [], "unknown format ''"),
        ("pdf", ["tao"], "unknown figure 'tao'; did you mean 'tau'?"),
    ],
)
def test_unknown_names_are_refused(
    tmp_path: Path, formats: str, only: list[str], said: str
) -> None:
    with pytest.raises(UserError) as refused:
        write(PUBLISHED, tmp_path / "out", formats, only)
    assert said in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(UserError, match="out: no folder can be made here"):
        write_all(tmp_path / "out", {"a.svg": b"new"})
    assert (tmp_path / "out").read_text() == "mine"


def test_without_matplotlib_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UserError) as refused:
        write(PUBLISHED, tmp_path, "pdf")
    expected = "matplotlib is not installed; figures need: pip install 'uqs[figures]'"
    assert str(refused.value) == expected


def test_labels_have_a_shape_for_every_sign_and_stay_different(hostile: list[str]) -> None:
    names = list(dict.fromkeys(hostile))[:2000]
    shown = labels(names)
    assert max(map(len, shown)) <= LONGEST
    assert not set("".join(shown)) & set("\x00\x1b\t\r\n\u202e\u2066\u2028\ufeff\u6f22")
    assert labels(["a_b", "$x$", "x" * 99]) == ["a b", "$x$", "x" * 11 + "\u2026" + "x" * 10]
    assert labels(["a\u202eb", "ab"]) == ["a[U+202E]b", "ab"]
    assert (
        labels(["x" * 50 + "y" * 50, "x" * 50 + "z" + "y" * 49])
        != labels(["x" * 50 + "y" * 50] * 2)[:1] * 2
    )


def test_hostile_texts_are_drawn_as_text(hostile: list[str]) -> None:
    """Formulas would fail to parse, missing shapes would warn, and markup would be an element."""
    with style():
        figure = canvas(7)
        axes = figure.add_subplot()
        names = labels(hostile[:25])
        axes.set_yticks(range(25), names)
        axes.plot([0], [0], label="_hidden")
    drawing = Drawing("hostile", " ".join(hostile[:25]), figure)
    assert encoded(drawing, "pdf")
    root = ET.fromstring(encoded(drawing, "svg"))  # noqa: S314  our own file
    assert {one.tag for one in root.iter() if one.tag.endswith("script")} == set()
    assert "\\input{" not in includes([drawing]).replace("\\textbackslash{}input", "")


def test_a_table_of_hostile_names_gives_all_figures(
    rows: list[Row], make_run: Callable[..., Path], tmp_path: Path
) -> None:
    names = {
        "salun": "$\\frac{1}{0}$",
        "random_labels": "<script>alert(1)</script>",
        "gradient_ascent": "_a%b#\u202e\\end{document}",
        "finetune_retain": "\u6f22" * 300,
    }
    evil = [
        replace(row, method=names.get(row.method, row.method), benchmark=f"$b_{row.benchmark}\\")
        for row in rows
        if row.benchmark != "unlok_vqa"
    ]
    (run := tmp_path / "evil").mkdir()
    results.write(evil, run / "results.parquet")
    lines = write(run, tmp_path / "out", "svg", ["ranks", "distances"])
    assert len(lines) == 2
    for line in lines:
        assert line.endswith(".svg")
