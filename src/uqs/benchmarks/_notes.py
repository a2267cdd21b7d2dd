"""What a loader read in another way than it is written, or left out: counted, never silent."""

from __future__ import annotations

from pathlib import Path

from uqs.errors import DataError
from uqs.text import count


class Notes:
    """Irregularities of the files, one line a kind, with their number and the place of the first."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}
        self._places: dict[tuple[str, str], str] = {}
        self._lines: list[str] = []

    def add(
        self,
        noun: str,
        what: str,
        *,
        file: Path,
        row: int | str | None = None,
        field: str | None = None,
    ) -> None:
        """One more `noun` of which `what` is true: "12 pairs left out, without an answer"."""
        kind = (noun, what)
        self._counts[kind] = self._counts.get(kind, 0) + 1
        if kind not in self._places:
            at = str(DataError("", file=f"{file.parent.name}/{file.name}", row=row, field=field))
            self._places[kind] = at.removesuffix(": ")

    def say(self, line: str) -> None:
        """A note of one whole line."""
        self._lines.append(line)

    @property
    def lines(self) -> tuple[str, ...]:
        counted = [
            f"{count(number, noun)} {what} (first: {self._places[noun, what]})"
            for (noun, what), number in self._counts.items()
        ]
        return (*counted, *self._lines)
