"""What the application shows of the published study; the same in every page (`published.json`)."""

from __future__ import annotations

from typing import TypedDict

from uqs.report.board.live.schema import Number


class PublishedFigure(TypedDict):
    """As printed, as the study's own procedure gives it, and as a correct one does; `why` these differ.

    `agrees`: whether the reproduced value rounds to the printed one.
    """

    group: str
    key: str
    printed: str
    reproduced: float
    corrected: Number
    agrees: bool
    why: str


class LaterFinding(TypedDict):
    """`agrees`: whether our value rounds to the printed one; null where there is none."""

    what: str
    printed: str
    ours: Number
    agrees: bool | None
    why: str


class PublishedRun(TypedDict):
    benchmark: str
    method: str
    seed: int
    values: dict[str, float]


class Unlike(TypedDict):
    """Why a run here does not give a published value."""

    benchmark: str
    metric: str
    why: str


class Published(TypedDict):
    figures: list[PublishedFigure]
    later: list[LaterFinding]
    runs: list[PublishedRun]
    always: str
    unlike: list[Unlike]
