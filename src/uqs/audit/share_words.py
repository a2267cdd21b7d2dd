"""Known shares in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypeVar

from uqs.stats.response import KnownShare
from uqs.text import MINUS

NAMED = 6
"""The largest number of methods or places that a sentence lists."""
Item = TypeVar("Item")


def shown(share: KnownShare) -> str:
    """`0.53`, or the side on which the value lies off the ladder, with its position."""
    if share.estimate is None:
        return f"{share.off} ({two(share.position)})"
    return two(share.estimate)


def span(ordered: Sequence[float]) -> str:
    """The first and the last number, once if they look alike."""
    first, last = two(ordered[0]), two(ordered[-1])
    return first if first == last else f"{first} to {last}"


def two(value: float) -> str:
    """Two decimals."""
    text = f"{value:.2f}"
    return "0.00" if float(text) == 0 else text.replace("-", MINUS)


def grouped(items: Sequence[Item], key: Callable[[Item], str]) -> dict[str, list[Item]]:
    """The items by their keys, in the order of first appearance."""
    groups: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups
