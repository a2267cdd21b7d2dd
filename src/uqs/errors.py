"""Errors that the user can correct; the command line prints them as one line and exits with 2."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class UserError(Exception):
    """Something the user gave is wrong; the message says what and what to do."""


class DataError(UserError):
    """Bad data, named by file, row and field."""

    def __init__(
        self,
        problem: str,
        *,
        file: Path | str,
        row: int | str | None = None,
        field: str | None = None,
    ) -> None:
        self.file, self.row, self.field, self.problem = str(file), row, field, problem
        where = [self.file]
        if row is not None:
            where.append(f"row {row}")
        if field is not None:
            where.append(f"field {field!r}")
        super().__init__(f"{', '.join(where)}: {problem}")


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint for a word that is not known, ready to be put behind the error."""
    words = [str(one) for one in known]
    close = get_close_matches(word, words, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(words)}"
