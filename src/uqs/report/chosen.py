"""Names that a user chooses from a list, with commas between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from uqs.errors import UserError, nearest


def chosen(words: Iterable[str], known: Sequence[str], what: str) -> list[str]:
    """The names, each once, in the order of `known`. Raises UserError for others, and for an empty one."""
    given = [name.strip() for word in words for name in word.split(",")]
    for name in given:
        if name not in known:
            raise UserError(f"unknown {what} {name!r}; {nearest(name, known)}")
    return [name for name in known if name in given]
