"""A chapter of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from uqs.report.html import Markup
from uqs.report.terminal import Sheet


@dataclass(frozen=True)
class Chapter:
    """`sentences` stand first, then a picture, if there is one, then tables."""

    title: str
    sentences: Sequence[str]
    sheets: Sequence[Sheet] = ()
    picture: Markup | None = None
