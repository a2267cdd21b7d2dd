"""Reads a column header: its name, the direction of its arrow, and whether it is in percent."""

from __future__ import annotations

import re
from typing import NamedTuple

from uqs.results.cells import plain
from uqs.results.panel import Better

SYNONYMS = {"dataset": "benchmark", "algorithm": "method", "run": "seed"}
"""Unambiguous synonyms of the key columns."""
_ARROWS: dict[str, Better] = {
    **dict.fromkeys("↓⬇⇓▼", "lower"),
    **dict.fromkeys("↑⬆⇑▲", "higher"),
}
_ARROW = re.compile(r"[\(\[]?\s*(?P<arrow>[↓⬇⇓▼↑⬆⇑▲])\ufe0f?\s*[\)\]]?")
_PERCENT = re.compile(r"\s*[\(\[]\s*(?:in\s+)?%\s*[\)\]]\s*|\s+%(?=\s|$)")
"""`Min-K%` is a name; `FA (%)` and `FA %` are in percent."""
_UNNAMED = re.compile(r"(Unnamed: \d+(?:\.\d+)?|__index_level_\d+__|)")


class Header(NamedTuple):
    """`better` is None if the name has no arrow."""

    name: str
    better: Better | None = None
    percent: bool = False


def read(text: str) -> Header:
    """`FA (%) ↓` is FA in percent, lower is better. Raises ValueError if two arrows disagree."""
    name = plain(text)
    found = {_ARROWS[one["arrow"]] for one in _ARROW.finditer(name)}
    if len(found) > 1:
        raise ValueError("has arrows both ways")
    # `(%, ↓)` is one bracket.
    name = re.sub(r"%\s*,\s*", "%", name)
    if found:
        bracketed = re.search(r"[\(\[]\s*%\s*(?P<arrow>[↓⬇⇓▼↑⬆⇑▲])\ufe0f?\s*[\)\]]", name)
        name = name.replace(bracketed[0], "(%)") if bracketed else _ARROW.sub(" ", name)
    percent = _PERCENT.search(name) is not None
    if percent:
        name = _PERCENT.sub(" ", name)
    name = plain(re.sub(r"\s+", " ", name))
    return Header(name, next(iter(found), None), percent)


def is_unnamed(name: str) -> bool:
    """Whether a name is empty, or is the name that pandas gives to unnamed columns."""
    return _UNNAMED.fullmatch(name) is not None


def key_of(name: str, columns: frozenset[str]) -> str:
    """`Dataset` and `BENCHMARK` are benchmark; `columns` are known in upper or lower case."""
    low = name.lower()
    low = SYNONYMS.get(low, low)
    return low if low in columns else name
