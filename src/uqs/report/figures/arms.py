"""Agreement by arm: tau-b of all pairs of metrics on each benchmark, in their mean, and pooled."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from uqs.report.arms import Arm
from uqs.report.arms import arms as by_arm
from uqs.report.evidence import Evidence
from uqs.report.figures.canvas import Drawing, Missing, canvas, numbered, rows_axis
from uqs.report.figures.marks import COLOURS, GREY
from uqs.report.pages import pages
from uqs.text import signed

MOST = 20
"""The most arms in one figure."""
SPREAD = 0.3
"""Half the width over which the pairs of an arm are drawn side by side."""


def arms(found: Evidence) -> list[Drawing] | Missing:
    """A row of dots per arm, with the mean and the standard deviation of the pairs."""
    every = by_arm(found.audit.agreement)
    if found.no_pairs:
        return Missing(found.no_pairs)
    if not any(one.defined for one in every):
        return Missing("no two metrics have a tau-b on any benchmark")
    parts = pages(every, MOST)
    return [
        Drawing(numbered("arms", at, len(parts)), _caption(part), _figure(part))
        for at, part in enumerate(parts)
    ]


def _figure(every: Sequence[Arm]) -> Figure:
    figure = canvas(0.33 * len(every) + 0.75)
    axes = figure.add_subplot()
    for row, one in enumerate(every):
        ordered = sorted(one.defined)
        axes.plot(ordered, _side(row, ordered), "o", ms=2.2, color=GREY, alpha=0.6, mew=0)
        if one.mean is not None:
            axes.errorbar(
                one.mean,
                row,
                xerr=one.sd,
                fmt="D",
                ms=5,
                color=COLOURS[1],
                mec="black",
                capsize=2.5,
                zorder=3,
            )
            axes.annotate(
                _said(one),
                (1.02, row),
                xycoords=("axes fraction", "data"),
                va="center",
                annotation_clip=False,
            )
    rows_axis(axes, [one.name for one in every])
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x")
    axes.axvline(0, color="black", lw=0.6)
    axes.set_xlim(-1.04, 1.04)
    axes.set_xlabel("tau-b of two metrics")
    return figure


def _caption(every: Sequence[Arm]) -> str:
    rows = ", ".join(f"{one.name} {one.rows}" for one in every)
    return (
        "Agreement of metrics by arm: one dot per pair of metrics (tau-b, aligned), diamond and bar their"
        " mean and standard deviation; beside them the mean and how many of all pairs are defined. Models"
        f" at most: {rows}."
    )


def _side(row: int, ordered: Sequence[float]) -> list[float]:
    """Neighbours in value stand apart, above and below the row in turn."""
    turns = (0.0, 0.5, -0.5, 1.0, -1.0)
    return [row + SPREAD * turns[at % len(turns)] for at in range(len(ordered))]


def _said(one: Arm) -> str:
    return f"{signed(one.mean or 0.0, 2)}\n{len(one.defined)}/{len(one.values)}"
