"""Reads a Markdown table with pipes between the cells."""

from __future__ import annotations

import re

from uqs.errors import DataError
from uqs.results.cells import plain
from uqs.results.raw import File, RawTable, of_lines

_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")
_PIPE = re.compile(r"(?<!\\)\|")


def is_table(text: str) -> bool:
    """Whether there is a line of dashes and pipes below a header."""
    return bool(_rules(text.splitlines()))


def read(text: str, file: File) -> RawTable:
    """The cells of the only table in the text. DataError if there is none, or several."""
    lines = text.splitlines()
    rules = _rules(lines)
    if not rules:
        raise DataError("contains no Markdown table", file=file)
    if len(rules) > 1:
        raise DataError(f"has {len(rules)} tables; keep one", file=file)
    at = rules[0]
    body = []
    for line in lines[at + 1 :]:
        if "|" not in line:
            break
        body.append(_cells(line))
    return RawTable(of_lines([_cells(lines[at - 1]), *body], file))


def _rules(lines: list[str]) -> list[int]:
    return [
        at
        for at, line in enumerate(lines)
        if at and "|" in line and "-" in line and _RULE.fullmatch(line) and "|" in lines[at - 1]
    ]


def _cells(line: str) -> list[str]:
    line = line.strip().removeprefix("|")
    cells = _PIPE.split(line)
    if line.endswith("|") and not line.endswith("\\|"):
        cells = cells[:-1]
    return [plain(re.sub(r"\\([|_*`])", r"\1", cell)) for cell in cells]
