"""Text with commas, semicolons or tabs between the cells."""

from __future__ import annotations

import csv
import io
import re

from uqs.errors import DataError
from uqs.results.headers import SYNONYMS
from uqs.results.raw import File, RawTable, of_lines

KNOWN = frozenset({"benchmark", "method", "seed", "metric", "value"}) | set(SYNONYMS)
_SEP = re.compile(r"sep=(.)\r?\n")
_COMMA = re.compile(r"\D*\d+,\d+([eE][+-]?\d+)?\D*(\d+,\d+\D*)?", re.ASCII)
_POINT = re.compile(r"\D*\d*\.\d+([eE][+-]?\d+)?\D*(\d*\.\d+\D*)?", re.ASCII)


def read(text: str, file: File) -> RawTable:
    """The cells. Raises DataError if the text is not such a table.

    The delimiter is the one named in a first line `sep=;`, else the one with which the header has most key
    names, then most cells. With semicolons or tabs 0,35 is a number, unless the table also has numbers with a
    point.
    """
    delimiter = None
    if (named := _SEP.match(text)) is not None:
        delimiter, text = named[1], text[named.end() :]
    header = next((line for line in text.splitlines() if line.strip()), "")
    if not header:
        raise DataError("is empty", file=file)
    if delimiter is None:
        delimiter = max(",;\t", key=lambda sign: _fit(header, sign))
    try:
        stream = io.StringIO(text, newline="")
        lines = [line for line in csv.reader(stream, delimiter=delimiter, strict=True) if line]
    except csv.Error as error:
        raise DataError(f"is not a readable CSV file ({error})", file=file) from None
    frame = of_lines(lines, file)
    return RawTable(frame, delimiter != "," and _has_decimal_commas(lines[1:]))


def _fit(header: str, delimiter: str) -> tuple[int, int]:
    try:
        names = next(csv.reader([header], delimiter=delimiter))
    except csv.Error:
        return 0, 0
    return sum(name.strip().lower() in KNOWN for name in names), len(names)


def _has_decimal_commas(lines: list[list[str]]) -> bool:
    cells = {cell.strip() for line in lines for cell in line}
    numbers = [
        cell for cell in cells if not any(sign.isalpha() and sign not in "eE" for sign in cell)
    ]
    commas = any(_COMMA.fullmatch(cell) for cell in numbers)
    return commas and not any(_POINT.fullmatch(cell) for cell in numbers)
