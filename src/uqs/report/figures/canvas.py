"""One look for all figures: one column of a paper, text of 7 points or more, the same bytes every time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font

from uqs.report.figures.write import Format
from uqs.report.visible import distinct, visible

WIDTH = 3.3
"""The width of every figure, in inches."""
TALLEST = 7.6
"""The greatest height, in inches: what a page holds beside the caption."""
POINTS = 7.0
LONGEST = 22
"""The most characters of a name."""
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": POINTS,
    "axes.titlesize": POINTS,
    "axes.labelsize": POINTS,
    "xtick.labelsize": POINTS,
    "ytick.labelsize": POINTS,
    "legend.fontsize": POINTS,
    "figure.titlesize": POINTS,
    # names are shown as they are: no formulas
    "text.parse_math": False,
    "text.usetex": False,
    "axes.formatter.use_mathtext": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 0.9,
    "lines.markersize": 4.0,
    "grid.color": "0.88",
    "grid.linewidth": 0.5,
    "hatch.linewidth": 0.5,
    "legend.frameon": False,
    "legend.handletextpad": 0.3,
    "legend.columnspacing": 0.8,
    "legend.borderaxespad": 0.0,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "uqs",
}
_UNDATED: dict[Format, dict[str, None]] = {
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
    "png": {"Software": None},
}


@dataclass(frozen=True)
class Drawing:
    """A drawn figure; `name` is that of its file, `caption` says what it shows, with errors and n."""

    name: str
    caption: str
    figure: Figure


class TooTallError(ValueError):
    """A figure does not fit a page."""


@dataclass(frozen=True)
class Missing:
    """Why a table has nothing for a figure."""

    reason: str


@contextmanager
def style() -> Iterator[None]:
    """matplotlib as it is delivered, in our style, whatever the user's settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def canvas(height: float) -> Figure:
    """An empty figure of one column, `height` inches high."""
    if height > TALLEST:
        raise TooTallError(f"it would be {height:.1f} inches high; a page holds {TALLEST}")
    return Figure(figsize=(WIDTH, height), layout="constrained")


def encoded(drawing: Drawing, kind: Format) -> bytes:
    """The file of a drawing; the same drawing gives the same bytes."""
    out = BytesIO()
    with style():
        drawing.figure.savefig(out, format=kind, metadata=_UNDATED[kind])
    return out.getvalue()


@cache
def _shapes() -> frozenset[int]:
    font = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return frozenset(FT2Font(str(font)).get_charmap())


def label(name: str) -> str:
    """A name as the font can show it, cut to LONGEST characters."""
    return labels([name])[0]


def labels(names: Sequence[str], most: int = LONGEST) -> list[str]:
    """Names as the font can show them, cut to `most` characters, each still different from the others."""
    return distinct([visible(one.replace("_", " "), _known) for one in names], most)


def _known(sign: str) -> bool:
    return ord(sign) in _shapes()


def numbered(name: str, at: int, count: int) -> str:
    """The file's name of one of `count` figures of one kind, the first being number 0."""
    return name if count == 1 else f"{name}_{at + 1}"


def rows_axis(axes: Axes, names: Sequence[str]) -> None:
    """One row per name, the first on top."""
    axes.set_yticks(range(len(names)), labels(names))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y")
