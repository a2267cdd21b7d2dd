"""Where a value stands: file, row and field, for its errors and its notes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from uqs.benchmarks._notes import Notes
from uqs.errors import DataError


@dataclass(frozen=True)
class Place:
    """A place in the files of a benchmark; `row` counts from 1."""

    file: Path
    notes: Notes
    row: int | str | None = None
    field: str = ""

    def at(self, field: str) -> Place:
        """A field of what stands here."""
        return replace(self, field=f"{self.field}.{field}" if self.field else field)

    def item(self, number: int) -> Place:
        """An item of the list that stands here, from 0."""
        return replace(self, field=f"{self.field}[{number}]")

    def error(self, problem: str) -> DataError:
        return DataError(problem, file=self.file, row=self.row, field=self.field or None)

    def note(self, noun: str, what: str) -> None:
        self.notes.add(noun, what, file=self.file, row=self.row, field=self.field or None)

    def text(self, value: object) -> str:
        """A text that says something."""
        if not isinstance(value, str):
            raise self.error(
                "is empty" if value is None else f"is {type(value).__name__}, not text"
            )
        if not value.strip():
            raise self.error("is empty")
        return value.strip()

    def identifier(self, value: object) -> str:
        """A text or whole number that names something."""
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self.text(value)


def says_something(value: object) -> bool:
    """Whether a value is there and no blank text; one of another kind is for `Place.text` to refuse."""
    return value is not None and not (isinstance(value, str) and not value.strip())
