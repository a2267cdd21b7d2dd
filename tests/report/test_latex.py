"""Text in LaTeX: compiled where LaTeX is installed, checked sign by sign everywhere."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from uqs.report.latex import escaped
from uqs.report.tables.formats import latex
from uqs.report.tables.table import Table
from uqs.report.terminal import Sheet
from uqs.report.visible import distinct, shortened, visible

ROOT = Path(__file__).parents[2]
ALLOWED = re.compile(
    r"[^\\{}$&#_%~^\[\]*\x00-\x1f\x7f-\U0010ffff]"  # plain signs
    r"|\\[{}$&#_%]|\{\[\}|\{\*\}|\]|~|\{\}"  # escaped ones
    r"|\$(?:-|\\(?:pm|times|cdot|leq|geq|tau|rho|kappa))\$"
    r"|\\(?:text(?:backslash|asciitilde|asciicircum|less|greater|bar)|char\d+|ldots|ss|ae|AE|o|O|l|L)\{\}"
    r"|\\[`'^~=u.\"rHvdc]\{(?:[A-Za-z]|\\[ij])\}"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a_b & 50%", r"a\_b \& 50\%"),
        ("\\input{x}", r"\textbackslash{}input\{x\}"),
        ("[1]*", "{[}1]{*}"),
        ("--", "-{}-{}"),
        ("0.3 ± 0.1, \N{MINUS SIGN}2", r"0.3 $\pm$ 0.1, $-$2"),
        ("Søren Žižek, \u0129", r"S\o{}ren \v{Z}i\v{z}ek, \~{\i}"),
        ("\u6f22\u202e", "{[}U+6F22]{[}U+202E]"),
        ("", ""),
    ],
)
def test_signs(text: str, expected: str) -> None:
    assert escaped(text) == expected


def test_hostile_texts_have_no_command_of_their_own(hostile: list[str]) -> None:
    for text in hostile:
        found = escaped(text)
        assert ALLOWED.sub("", found) == "", (text, found)


def hostile_table(hostile: list[str]) -> Table:
    """10,000 texts as cells, headers, titles and notes, 40 rows of 5 in a sheet."""
    sheets = []
    for at in range(0, len(hostile), 200):
        cells = hostile[at : at + 200]
        rows = [tuple(cells[row : row + 5]) for row in range(0, 200, 5)]
        sheets.append(Sheet(cells[0], cells[1:6], rows, cells[7], left=(0, 3)))
    return Table("hostile", sheets, [])


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="LaTeX is not installed")
def test_10000_hostile_texts_compile(hostile: list[str], tmp_path: Path) -> None:
    body = latex(hostile_table(hostile)).replace("\\end{table}", "\\end{table}\n\\clearpage")
    head = "\\documentclass{article}\\usepackage{booktabs,graphicx}\\begin{document}\n"
    (tmp_path / "all.tex").write_text(f"{head}{body}\n\\end{{document}}\n", encoding="ascii")
    command = [
        "pdflatex",
        "-interaction=nonstopmode",
        "-halt-on-error",
        "-no-shell-escape",
        "all.tex",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Output written on all.pdf (50 pages" in done.stdout.replace("\n", "")


def test_what_cannot_be_seen_is_spelt() -> None:
    assert visible("a\x00\u202e\ud800z") == "a[U+0000][U+202E][U+D800]z"
    assert visible("\u6f22", str.isascii) == "[U+6F22]"
    assert visible("salun ±\N{MINUS SIGN}") == "salun ±\N{MINUS SIGN}"


def test_long_names_are_cut_and_stay_different() -> None:
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdefg", 6) == "abc\u2026fg"
    assert distinct(["abcdXefgh", "abcdYefgh", "b"], 8) == ["ab\u2026gh #1", "ab\u2026gh #2", "b"]


def test_the_board_is_held_to_the_same_rules() -> None:
    golden = json.loads((ROOT / "board/test/golden/latex.json").read_text(encoding="utf-8"))
    recipe = "run: python scripts/board_latex.py > board/test/golden/latex.json"
    assert {text: latex for text, latex in golden} == {text: escaped(text) for text, _ in golden}, (
        recipe
    )
