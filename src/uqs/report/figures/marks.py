"""Marks that stay different in grey and for the colour-blind: each kind has a shape beside its colour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from uqs.report.figures.canvas import labels

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito 2008, without yellow, which is lost on white."""
SHAPES = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h")
HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "++++", "oooo")
LINES = ("-", "--", ":", "-.")
HEAT = "cividis"
"""From dark to light in one direction, so that grey keeps the order (Nunez and others 2018)."""
GREY = "0.35"


@dataclass(frozen=True)
class Mark:
    """How one kind is drawn."""

    colour: str
    shape: str
    filled: bool

    @property
    def face(self) -> str:
        return self.colour if self.filled else "white"


def mark(at: int) -> Mark:
    """The mark of kind number `at`; neighbours differ in shape and colour, and 140 differ in all."""
    shapes, colours = len(SHAPES), len(COLOURS)
    turn, filled = at % (shapes * colours), at // (shapes * colours) % 2 == 0
    return Mark(COLOURS[turn % colours], SHAPES[turn % shapes], filled)


def handles(kinds: Mapping[str, Mark]) -> list[Line2D]:
    """The entries of a legend."""
    return [
        Line2D([], [], color=one.colour, marker=one.shape, mfc=one.face, ls="", label=name)
        for name, one in zip(labels(list(kinds)), kinds.values(), strict=True)
    ]


def key(axes: Axes, kinds: Mapping[str, Mark], columns: int) -> None:
    """A legend of marks above the axes."""
    axes.legend(handles=handles(kinds), ncols=columns, loc="lower left", bbox_to_anchor=(0, 1.01))


def ink(value: float) -> str:
    """Black or white: the one that is legible on the heat of `value`, from 0 to 1."""
    red, green, blue, _ = mpl.colormaps[HEAT](value)
    return "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.45 else "white"
