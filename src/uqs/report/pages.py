"""Long lists on several pages."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TypeVar

Item = TypeVar("Item")


def pages(items: Sequence[Item], most: int) -> list[list[Item]]:
    """The items on as few pages as hold them, evenly; no page without items."""
    count = max(1, ceil(len(items) / most))
    size = max(1, ceil(len(items) / count))
    return [list(items[at : at + size]) for at in range(0, len(items), size)]
