"""Any text as LaTeX that compiles with every engine, in any argument and at the start of a table's row."""

from __future__ import annotations

import unicodedata

from uqs.report.visible import visible

_SIGNS = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",
    "`": r"\char96{}",
    # an end of row takes what begins with these for its options
    "[": "{[}",
    "*": "{*}",
    # two in sequence would become a dash
    "-": "-{}",
    "\u00a0": "~",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{MINUS SIGN}": "$-$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{MIDDLE DOT}": r"$\cdot$",
    "\N{LESS-THAN OR EQUAL TO}": r"$\leq$",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\geq$",
    "\N{EN DASH}": "--",
    "\N{EM DASH}": "---",
    "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}",
    "\N{LEFT DOUBLE QUOTATION MARK}": "``",
    "\N{RIGHT DOUBLE QUOTATION MARK}": "''",
    "\N{LEFT SINGLE QUOTATION MARK}": "`",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{GREEK SMALL LETTER TAU}": r"$\tau$",
    "\N{GREEK SMALL LETTER RHO}": r"$\rho$",
    "\N{GREEK SMALL LETTER KAPPA}": r"$\kappa$",
    "\N{LATIN SMALL LETTER SHARP S}": r"\ss{}",
    "\N{LATIN SMALL LETTER AE}": r"\ae{}",
    "\N{LATIN CAPITAL LETTER AE}": r"\AE{}",
    "\N{LATIN SMALL LETTER O WITH STROKE}": r"\o{}",
    "\N{LATIN CAPITAL LETTER O WITH STROKE}": r"\O{}",
    "\N{LATIN SMALL LETTER L WITH STROKE}": r"\l{}",
    "\N{LATIN CAPITAL LETTER L WITH STROKE}": r"\L{}",
}
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d", "\u0327": "c",
}  # fmt: skip
_DOTLESS = {"i": r"\i", "j": r"\j"}


def escaped(text: str) -> str:
    """The text in LaTeX, printable ASCII alone; what it cannot show is `[U+4E2D]` (`visible`)."""
    return "".join(map(_sign, visible(unicodedata.normalize("NFC", text), _known)))


def _known(sign: str) -> bool:
    return sign.isascii() or sign in _SIGNS or _accented(sign) is not None


def _sign(sign: str) -> str:
    found = _SIGNS.get(sign)
    return found if found is not None else _accented(sign) or sign


def _accented(sign: str) -> str | None:
    """A letter with one accent that LaTeX can put on it."""
    letter, *accents = list(unicodedata.normalize("NFD", sign))
    if (
        len(accents) != 1
        or accents[0] not in _ACCENTS
        or not (letter.isascii() and letter.isalpha())
    ):
        return None
    return f"\\{_ACCENTS[accents[0]]}{{{_DOTLESS.get(letter, letter)}}}"
