"""Texts and their LaTeX by Python, which the board's TypeScript must equal.

python scripts/board_latex.py > board/test/golden/latex.json
"""

from __future__ import annotations

import json
import sys
import unicodedata

from uqs.report.latex import escaped

SIGNS = [chr(code) for code in range(1, 0x250)]
FURTHER = (
    "\u0391\u03c4\u03c1\u03ba\u0416\u05d0\u0627\u4e2d\u3042\U0001f600\u200b\u202e\u2028\u2029\ufeff\ufffd"
    "\ue000\u2212\u2013\u2014\u2026\u201c\u201d\u2018\u2019\u2264\u2265\u1e9e\u1ea5"
)
TEXTS = (
    r"\input{/etc/passwd} 5% a_b $x^2$ &#~^",
    r"[1em] \\ [x] *",
    "-- --- <script>alert('x')</script>",
    unicodedata.normalize("NFD", "\u00c5ngstr\u00f6m, \u0141\u00f3d\u017a, \u00ef"),
    "",
)


def golden() -> list[list[str]]:
    """Single signs, and texts of several."""
    return [[text, escaped(text)] for text in (*SIGNS, *FURTHER, *TEXTS)]


if __name__ == "__main__":
    json.dump(golden(), sys.stdout, indent=0)
    print()
