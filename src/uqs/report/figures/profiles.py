"""Known shares: how much each method's models still know, by each metric that can say it."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from uqs.audit.profiles import Part, Profile, of_methods
from uqs.report.evidence import Evidence
from uqs.report.figures.canvas import TALLEST, Drawing, Missing, canvas, numbered, rows_axis
from uqs.report.figures.heat import HeatCell, heat
from uqs.report.figures.marks import Mark, handles, mark
from uqs.report.pages import pages
from uqs.report.truth import metrics_of
from uqs.text import count

BAR, GAP, CELL = 0.1, 0.12, 0.13
"""Heights in inches: of a metric's bar, of the gap between methods, of a shaded row."""
MOST = 48
"""The most methods in one figure."""
LOW, HIGH = -0.35, 1.35
"""What lies farther off the ladder is drawn at this position."""


def profiles(found: Evidence) -> list[Drawing] | Missing:
    """A figure per benchmark: bars of 95%, or shades where there are too many methods for bars."""
    methods = of_methods(found.audit.profiles)
    if not methods:
        return Missing("no two metrics say how much an unlearned model knows")
    names = list(dict.fromkeys(one.benchmark for one in methods))
    parts = [
        part
        for name in names
        for part in pages([one for one in methods if one.benchmark == name], MOST)
    ]
    return [_figure(numbered("profiles", at, len(parts)), part) for at, part in enumerate(parts)]


def _figure(file: str, found: Sequence[Profile]) -> Drawing:
    metrics = metrics_of(found)
    tall = (BAR * len(metrics) + GAP) * len(found) + 0.2 * len(metrics) / 3 + 0.7
    figure = _bars(found, metrics, tall) if tall <= TALLEST else _shades(found, metrics)
    ragged = sum(one.ragged for one in found)
    runs = sorted({one.runs for one in found})
    how = (
        "95% intervals; hollow at the edge: off the ladder. Line: the share that fits all metrics best,"
        " dashed"
        if tall <= TALLEST
        else "No bars for want of room; hatched: off the ladder. Last column: the share that fits all metrics"
        " best, hatched"
    )
    caption = (
        f"What unlearned models still know on {found[0].benchmark}, as the share of the forget entities"
        " that a retrained model with such a value was taught (0: retrained without them, 1: never"
        f" unlearned). {how} where no one share explains them (5%; {ragged} of"
        f" {count(len(found), 'method')}). n = {runs[0]}"
        + ("" if len(runs) == 1 else f" to {runs[-1]}")
        + " runs a method."
    )
    return Drawing(file, caption, figure)


def name_of(one: Profile) -> str:
    return f"{one.method} {one.strength}".strip()


def _bars(found: Sequence[Profile], metrics: Sequence[str], tall: float) -> Figure:
    figure = canvas(max(tall, 1.5))
    axes = figure.add_subplot()
    marks = {name: mark(at) for at, name in enumerate(metrics)}
    step = BAR / (BAR * len(metrics) + GAP)
    for row, one in enumerate(found):
        for at, name in enumerate(metrics):
            parts = [part for part in one.parts if part.metric == name]
            place = row + step * (at - (len(metrics) - 1) / 2)
            for part in parts:
                _bar(axes, part, place, marks[name])
        axes.plot(
            [one.common] * 2,
            [row - 0.45, row + 0.45],
            color="black",
            lw=1,
            ls=":" if one.ragged else "-",
            zorder=1,
        )
    rows_axis(axes, [name_of(one) for one in found])
    axes.grid(visible=False, axis="y")
    for row in range(1, len(found)):
        axes.axhline(row - 0.5, color="0.8", lw=0.5)
    for end in (0, 1):
        axes.axvline(end, color="0.6", lw=0.6)
    axes.set_xlim(LOW - 0.05, HIGH + 0.05)
    axes.set_xlabel("known share")
    figure.legend(handles=handles(marks), loc="outside upper left", ncols=4)
    return figure


def _bar(axes: Axes, part: Part, place: float, own: Mark) -> None:
    share = part.share
    if share.estimate is None or share.low is None or share.high is None:
        axes.plot(
            min(max(share.position, LOW), HIGH),
            place,
            own.shape,
            color=own.colour,
            mfc="white",
            ms=3.2,
        )
        return
    axes.plot([share.low, share.high], [place, place], color=own.colour, lw=0.9)
    axes.plot(share.estimate, place, own.shape, color=own.colour, mfc=own.colour, ms=3.2)


def _shades(found: Sequence[Profile], metrics: Sequence[str]) -> Figure:
    figure = canvas(CELL * len(found) + 1.2)
    axes = figure.add_subplot()
    cells = []
    for one in found:
        parts = {part.metric: part for part in one.parts}
        line = [_cell(parts.get(name)) for name in metrics]
        cells.append([*line, HeatCell(one.common, "", off=one.ragged)])
    shades = heat(
        axes,
        cells,
        [name_of(one) for one in found],
        [*metrics, "all"],
        Normalize(0, 1, clip=True),
        0,
    )
    figure.colorbar(
        shades, ax=axes, aspect=40, pad=0.02, fraction=0.05, ticks=[0, 0.5, 1]
    ).set_label("known share")
    return figure


def _cell(part: Part | None) -> HeatCell:
    if part is None:
        return HeatCell(None, "")
    if part.share.estimate is None:
        return HeatCell(part.share.position, "", off=True)
    return HeatCell(part.share.estimate, "")
