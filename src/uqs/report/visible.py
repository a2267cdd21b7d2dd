"""Text of a table as paper can show it: nothing invisible, nothing that turns the text round."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Unicode categories of characters that have no shape of their own."""


def visible(text: str, has: Callable[[str], bool] = lambda _: True) -> str:
    """The text with `[U+202E]` for each character that cannot be seen, or that `has` says is missing.

    So two names that look alike and are not stay different.
    """
    return "".join(
        one if unicodedata.category(one) not in HIDDEN and has(one) else f"[U+{ord(one):04X}]"
        for one in text
    )


def shortened(text: str, most: int) -> str:
    """At most `most` characters; of a longer text its beginning and its end."""
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return f"{text[: most - 1 - end]}\N{HORIZONTAL ELLIPSIS}{text[-end:]}"


def distinct(names: Sequence[str], most: int) -> list[str]:
    """The names shortened, with a number behind those that then are alike."""
    short = [shortened(name, most) for name in names]
    alike = Counter(short)
    return [
        one if alike[one] == 1 else _numbered(name, at, most)
        for at, (name, one) in enumerate(zip(names, short, strict=True), start=1)
    ]


def _numbered(name: str, at: int, most: int) -> str:
    number = f" #{at}"
    return shortened(name, most - len(number)) + number
