"""A table whose cells are shaded, with the numbers in them where they fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from uqs.report.figures.canvas import labels
from uqs.report.figures.marks import HEAT, ink

INCH_A_SIGN = 0.062
"""The width of a digit at 7 points."""


@dataclass(frozen=True)
class HeatCell:
    """`value` decides the shade, None leaves it white; `off`: hatched."""

    value: float | None
    text: str
    off: bool = False


def heat(
    axes: Axes,
    cells: Sequence[Sequence[HeatCell]],
    rows: Sequence[str],
    columns: Sequence[str],
    scale: Normalize,
    inches: float,
) -> ScalarMappable:
    """Draw rows of cells; `inches` is the width of one, which decides whether they hold their texts."""
    shades = mpl.colormaps[HEAT]
    longest = max((len(cell.text) for line in cells for cell in line), default=0)
    for row, line in enumerate(cells):
        for column, cell in enumerate(line):
            shade = None if cell.value is None else float(scale(cell.value))
            axes.add_patch(
                Rectangle(
                    (column - 0.5, row - 0.5),
                    1,
                    1,
                    facecolor="white" if shade is None else shades(shade),
                    edgecolor="white" if not cell.off or shade is None else ink(shade),
                    hatch="/////" if cell.off else None,
                    linewidth=0.4,
                )
            )
            if cell.text and longest * INCH_A_SIGN <= inches:
                dark = "black" if shade is None else ink(shade)
                axes.text(column, row, cell.text, ha="center", va="center", color=dark)
    axes.set_xticks(range(len(columns)), labels(columns, 20), rotation=90)
    axes.set_yticks(range(len(rows)), labels(rows))
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return ScalarMappable(scale, shades)
