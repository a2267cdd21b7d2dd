"""`uqs figures` and `uqs tables` from the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Uqs = Callable[..., Any]
PUBLISHED = Path(__file__).parents[2] / "src/uqs/reproduction/multimodal_llava15_7b.csv"


def test_figures_and_tables_of_the_published_rows(uqs: Uqs, tmp_path: Path) -> None:
    out = tmp_path / "paper"
    drawn = uqs("figures", PUBLISHED, "--out", out, "--only", "tau", "--only", "kr")
    assert (drawn.code, drawn.err) == (0, "")
    assert drawn.out.splitlines() == [
        f"tau: {out / 'tau.pdf'}",
        "kr: left out; no unlearned model has a value of KR or KR_IMP",
    ]
    made = uqs(
        "tables", PUBLISHED, "--out", out, "--only", "tau,contradictions", "--format", "md,tex"
    )
    assert (made.code, made.err) == (0, "")
    assert (out / "tau.pdf").read_bytes().startswith(b"%PDF")
    assert "| FA and MIA | \N{MINUS SIGN}0.35 | 1 of 3 |" in (out / "contradictions.md").read_text()
    assert "0.42 (1/3)" in (out / "tau.tex").read_text()


def test_wrong_words_are_one_line_and_nothing_is_written(uqs: Uqs, tmp_path: Path) -> None:
    out = tmp_path / "paper"
    for arguments, line in (
        (
            ("figures", PUBLISHED, "--only", "taus"),
            "error: unknown figure 'taus'; did you mean 'tau'?",
        ),
        (("tables", PUBLISHED, "--format", "pdf"), "error: unknown format 'pdf'; "),
        (("figures", tmp_path / "none.csv"), f"error: {tmp_path / 'none.csv'}: "),
    ):
        said = uqs(*arguments, "--out", out)
        assert said.code == 2
        assert said.err.startswith(line) and said.err.count("\n") == 1
    assert not out.exists()
