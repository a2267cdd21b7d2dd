"""Text of a table as paper can show it: nothing invisible, nothing that turns the text round."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

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


def distinct(names: list[str], most: int) -> list[str]:
    """The names shortened, with a number behind those that then are alike."""
    short = [shortened(name, most) for name in names]
    return [
        f"{shortened(name, most - 4)} #{at + 1}" if short.count(short[at]) > 1 else short[at]
        for at, name in enumerate(names)
    ]
