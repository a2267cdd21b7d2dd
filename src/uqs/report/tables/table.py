"""One table of a paper: as it is read, and with its exact numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from uqs.report.terminal import Sheet

Value = str | float | int | None


@dataclass(frozen=True)
class Table:
    """`sheets` are what LaTeX and Markdown show, `records` what CSV holds; None where undefined."""

    name: str
    sheets: Sequence[Sheet]
    records: Sequence[Mapping[str, Value]]


@dataclass(frozen=True)
class NoTable:
    """Why there are no data for a table."""

    reason: str


def coverage(defined: int, groups: int) -> str:
    return f"{defined} of {groups}"
