"""Whose name stands in a text."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

_WORD = re.compile(r"\w+")
_SHORTEST = 3
"""Letters of a part of a name from which on it is no particle."""


def owner_of(text: str, names: Sequence[str]) -> str | None:
    """The person whose name stands in a text most often, None where that is nobody or not one alone.

    Half of the parts of the name must be there, for second names are left out of some texts. Parts that
    several people share count for none of them alone.
    """
    said = Counter(words(text))
    scored = []
    for name in names:
        parts = [part for part in words(name) if len(part) >= _SHORTEST] or words(name)
        there = [part for part in parts if said[part]]
        if there and 2 * len(there) >= len(parts):
            scored.append((len(there) / len(parts), sum(said[part] for part in there), name))
    scored.sort(reverse=True)
    if not scored or (len(scored) > 1 and scored[0][:2] == scored[1][:2]):
        return None
    return scored[0][2]


def words(text: str) -> list[str]:
    """The words of a text without case and accents."""
    plain = unicodedata.normalize("NFKD", text)
    return _WORD.findall("".join(c for c in plain if not unicodedata.combining(c)).casefold())
