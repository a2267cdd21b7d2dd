"""Small parts of sentences."""

from __future__ import annotations

from collections.abc import Sequence


def count(number: int, word: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number} {word}" + ("" if number == 1 else "s")


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
