"""Reads one cell: a number, its error, or nothing."""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

MINUS = "\N{MINUS SIGN}"
EMPTY = frozenset(
    {"", "nan", "na", "n/a", "n.a.", "null", "none", "<na>", "#n/a", "#na", "#n/a n/a"}
    | {"-", "--", "---", "\N{EN DASH}", "\N{EM DASH}", MINUS}
)
"""Words for a missing value, in upper or lower case."""
INT64 = (-(2**63), 2**63 - 1)
EXACT = 2**53
"""From here on, floats cannot represent every integer."""

_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_PLAIN = re.compile(_NUMBER)
_WITH_ERROR = re.compile(
    rf"(?P<value>{_NUMBER})\s*(?P<first>%?)\s*"
    rf"(?:±\s*(?P<error>{_NUMBER})\s*(?P<second>%?))?"
)
_PLUS_MINUS = re.compile(r"\s*(?:±|\+/-|\+-)\s*")
_IN_BRACKETS = re.compile(rf"\(({_NUMBER}\s*±\s*{_NUMBER})\)\s*%")
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?[0-9]+(?:\.0*)?")
_COMMA = re.compile(r"(?<=[0-9]),(?=[0-9])")
_SPACES = re.compile(r"[\u00a0\u2009\u202f\u2007]")
_WRAPPED = re.compile(r"(\*\*\*|\*\*|\*|___|__|_|`)(?P<inner>[^*_`].*?)\1")
_MACRO = re.compile(
    r"\\(?:textbf|textit|textrm|texttt|textsc|textsf|textnormal|text|mathbf|mathit|mathrm|emph"
    r"|underline|uline|boldsymbol|bm|ensuremath|mbox|makecell)\s*\{(?P<inner>[^{}]*)\}"
)
_SWITCH = re.compile(r"\\(?:bfseries|itshape|bf|it|em|boldmath|small|footnotesize|scriptsize)\b\s*")
_SUBSCRIPT = re.compile(r"[_^]\s*\{\s*(?P<inner>±[^{}]*)\}")
_BRACES = re.compile(r"\{(?P<inner>[^{}]*)\}")
_SYMBOLS = {
    r"\pm": " ± ",
    r"\%": "%",
    r"\_": "_",
    r"\&": "&",
    r"\#": "#",
    r"\downarrow": "↓",
    r"\uparrow": "↑",
    r"\,": "",
    r"\;": " ",
    r"\!": "",
    r"\:": " ",
    r"\ ": " ",
    "{,}": ",",
}


class Number(NamedTuple):
    """A cell's number and the error after its ±; NaN if missing."""

    value: float
    error: float = math.nan


NOTHING = Number(math.nan)


def plain(text: str) -> str:
    """The text without bold and italic marks of Markdown or LaTeX."""
    text = _SPACES.sub(" ", text).strip()
    if "\\" in text or "$" in text:
        text = without_latex(text)
    while (found := _WRAPPED.fullmatch(text)) is not None:
        text = found["inner"].strip()
    return text


def without_latex(text: str) -> str:
    """The text as LaTeX prints it, on one line."""
    text = text.replace("$", "")
    for symbol, word in _SYMBOLS.items():
        if symbol in text:
            end = r"(?![A-Za-z])" if symbol[-1].isalpha() else ""
            text = re.sub(re.escape(symbol) + end, word, text)
    text = _SWITCH.sub("", text)
    before = ""
    while before != text:
        before = text
        text = _MACRO.sub(lambda found: found["inner"], text)
        text = _SUBSCRIPT.sub(lambda found: found["inner"], text)
    while text != (fewer := _BRACES.sub(lambda found: found["inner"], text)):
        text = fewer
    return re.sub(r"\s+", " ", text).strip()


def read(cell: Any, *, decimal_comma: bool = False, percent: bool = False) -> Number:
    """The number in a cell of a file or a dataframe; `percent`: the cell is in percent.

    Raises ValueError with the reason if the cell is neither empty nor a finite number.
    """
    if isinstance(cell, str):
        return _from_text(cell, decimal_comma, percent)
    if isinstance(cell, (bool, np.bool_)):
        raise ValueError(f"{cell!s} is not a number")  # noqa: TRY004
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return NOTHING
    if not isinstance(cell, (int, float, np.integer, np.floating)) and not _is_decimal(cell):
        raise ValueError(f"{cell!r} is not a number")
    return Number(_hundredth(_finite(cell), percent))


def _is_decimal(cell: Any) -> bool:
    return type(cell).__name__ == "Decimal"


def _from_text(cell: str, decimal_comma: bool, percent: bool) -> Number:
    text = cell.strip()
    if text.lower() in EMPTY:
        return NOTHING
    if _PLAIN.fullmatch(text) is None:
        text = " ± ".join(map(plain, _PLUS_MINUS.split(plain(text)))).replace(MINUS, "-")
        if decimal_comma:
            text = _COMMA.sub(".", text)
        if text.lower() in EMPTY:
            return NOTHING
    if _INFINITE.fullmatch(text):
        raise ValueError(f"{cell!r} is not a finite number")
    if (bracketed := _IN_BRACKETS.fullmatch(text)) is not None:
        text = bracketed[1] + "%"
    found = _WITH_ERROR.fullmatch(text)
    if found is None:
        raise ValueError(f"{cell!r} is not a number{_hint(text)}")
    of_hundred = percent or bool(found["first"] or found["second"])
    value = _hundredth(_finite(found["value"]), of_hundred)
    if found["error"] is None:
        return Number(value)
    error = _hundredth(_finite(found["error"]), of_hundred)
    if error < 0:
        raise ValueError(f"{cell!r} has a negative error")
    return Number(value, error)


def _hint(text: str) -> str:
    if re.fullmatch(rf"{_NUMBER}\s*\(\s*{_NUMBER}\s*\)", text):
        return "; brackets have several meanings: write a standard error as 0.35 ± 0.02"
    if re.fullmatch(r"[+-]?[0-9]+,[0-9]+", text):
        return "; decimal commas are read only if semicolons or tabs separate the cells"
    if any(sign.isdigit() and not sign.isascii() for sign in text):
        return "; write the digits 0 to 9"
    if re.fullmatch(r"[0-9]+(_[0-9]+)+", text):
        return "; digits have no underscores between them"
    if text.startswith("#"):
        return "; it looks like a spreadsheet's error"
    return ""


def _finite(cell: Any) -> float:
    try:
        value = float(cell)
    except OverflowError:
        value = math.inf
    if math.isinf(value):
        raise ValueError(f"{cell!s} is not a finite number")
    return value


def _hundredth(value: float, percent: bool) -> float:
    return value / 100 if percent else value


def read_whole(cell: Any) -> int | None:
    """The exact whole number in a cell; None if the cell is empty.

    A seed is a name made of digits, so rounding is not allowed: `42` and `42.0` are read, but not `1e5`,
    which is how spreadsheets write shortened seeds. Raises ValueError.
    """
    if isinstance(cell, str):
        text = cell.strip()
        if text.lower() in EMPTY:
            return None
        if _WHOLE.fullmatch(text) is None:
            text = plain(text).replace(MINUS, "-")
        if text.lower() in EMPTY:
            return None
        if _WHOLE.fullmatch(text) is None:
            if _PLAIN.fullmatch(text) is None:
                raise ValueError(f"{cell!r} is not a number{_hint(text)}")
            if "e" in text.lower():
                raise ValueError(f"{cell!r} is a shortened number; write all its digits")
            raise ValueError(f"{cell!r} is not a whole number")
        return _within_int64(int(text.partition(".")[0]))
    if isinstance(cell, (bool, np.bool_)):
        raise ValueError(f"{cell!s} is not a number")  # noqa: TRY004
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return None
    if isinstance(cell, (int, np.integer)):
        return _within_int64(int(cell))
    if not isinstance(cell, (float, np.floating)) and not _is_decimal(cell):
        raise ValueError(f"{cell!r} is not a number")
    if math.isnan(cell):
        return None
    if not math.isfinite(cell):
        raise ValueError(f"{cell!s} is not a finite number")
    if cell % 1 != 0:
        raise ValueError(f"{cell!s} is not a whole number")
    if not _is_decimal(cell) and abs(cell) >= EXACT:
        raise ValueError(f"{cell!s} was kept as a rounded number; keep it as a whole one")
    return _within_int64(int(cell))


def _within_int64(value: int) -> int:
    if not INT64[0] <= value <= INT64[1]:
        raise ValueError(f"{value} is beyond 64 bits")
    return value
