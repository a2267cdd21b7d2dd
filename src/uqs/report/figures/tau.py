"""Which metrics agree: tau-b of every two, with coverage and error."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import matplotlib as mpl
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from uqs.audit.findings import Agreement
from uqs.report.evidence import Evidence
from uqs.report.figures.canvas import Drawing, Missing, canvas, labels
from uqs.report.figures.marks import HEAT, ink
from uqs.text import MINUS, count

MOST = 24
"""With more metrics, their names would not fit."""
MOST_TEXT = 10
"""With more metrics, cells are too small for numbers."""


def tau(found: Evidence) -> list[Drawing] | Missing:
    """The heat map: above the diagonal tau-b and coverage, below it the interval or the p."""
    pairs = found.audit.agreement
    if found.no_pairs:
        return Missing(found.no_pairs)
    if all(one.tau.stratified.value is None for one in pairs):
        return Missing("no two metrics have a tau-b on any benchmark")
    names = list(dict.fromkeys(name for one in pairs for name in (one.a, one.b)))
    if len(names) > MOST:
        return Missing(
            f"{len(names)} metrics do not fit one column; `uqs tables` lists their tau-b"
        )
    written = len(names) <= MOST_TEXT
    figure = _map(names, pairs, written)
    shown = sum(one.shown != 0 for one in pairs)
    how = (
        "Above the diagonal its value, and on how many benchmarks it is defined; below, the 95% interval"
        " over methods, or without one the p of exchanging whole methods (Benjamini-Hochberg)."
        if written
        else f"{MINUS}: negative. The area of a square is the share of benchmarks where it is defined."
    )
    design = found.audit.design
    caption = (
        "Agreement of metrics: Kendall's tau-b of aligned metrics, mean over"
        f" {count(design.benchmarks, 'benchmark')} (n = {count(design.rows, 'model')} of"
        f" {count(design.methods, 'method')}). {how} Hatched: undefined on all benchmarks. Framed: shown"
        f" at 5% after correction ({shown} of {count(len(pairs), 'pair')})."
    )
    return [Drawing("tau", caption, figure)]


def _map(names: Sequence[str], pairs: Sequence[Agreement], written: bool) -> Figure:
    figure = canvas(3.3)
    axes = figure.add_subplot()
    heat, scale = mpl.colormaps[HEAT], Normalize(-1, 1)
    place = {name: at for at, name in enumerate(names)}
    for one in pairs:
        value = one.tau.stratified.value
        for row, column, text in (
            (place[one.a], place[one.b], _value(one)),
            (place[one.b], place[one.a], _error(one)),
        ):
            if value is None:
                axes.add_patch(
                    _square(row, column, 1, facecolor="white", edgecolor="0.7", hatch="////")
                )
                continue
            dark = ink(float(scale(value)))
            side = (
                1.0
                if written
                else sqrt(one.tau.stratified.groups_defined / one.tau.stratified.groups)
            )
            axes.add_patch(
                _square(row, column, side, facecolor=heat(scale(value)), edgecolor="white")
            )
            if one.shown:
                axes.add_patch(
                    _square(row, column, 0.84 * side, fill=False, edgecolor=dark, linewidth=0.9)
                )
            axes.text(
                column,
                row,
                text if written else MINUS if value < 0 else "",
                ha="center",
                va="center",
                linespacing=0.95,
                color=dark,
            )
    short = labels(names, 12)
    axes.set_xticks(range(len(names)), short, rotation=90)
    axes.set_yticks(range(len(names)), short)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(
        mpl.cm.ScalarMappable(scale, heat),
        ax=axes,
        shrink=0.6,
        aspect=25,
        pad=0.02,
        ticks=[-1, 0, 1],
    )
    bar.set_label("tau-b", labelpad=-4)
    return figure


def _square(row: int, column: int, side: float, **given: Any) -> Rectangle:
    """A square around the middle of a cell."""
    corner = column - side / 2, row - side / 2
    return Rectangle(corner, side, side, **{"linewidth": 0.4, **given})


def _value(one: Agreement) -> str:
    found = one.tau.stratified
    return (
        "" if found.value is None else f"{_two(found.value)}\n{found.groups_defined}/{found.groups}"
    )


def _error(one: Agreement) -> str:
    low, high = one.interval.low, one.interval.high
    if low is not None and high is not None:
        return f"{_two(low)}\n{_two(high)}"
    return "" if one.p_adjusted is None else f"p\n{_two(one.p_adjusted)}"


def _two(value: float) -> str:
    """Two decimals without the 0 before them: `.62`."""
    text = f"{abs(value):.2f}"
    text = text[1:] if text.startswith("0") else text
    return (MINUS if value < 0 and float(text) else "") + text
