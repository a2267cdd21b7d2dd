"""Activation distance (AD) against the distance of answers (JS), both to the oracles."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uqs.report.evidence import Evidence
from uqs.report.figures.canvas import POINTS, Drawing, Missing, canvas, label, numbered
from uqs.report.figures.marks import GREY, Mark, handles, mark
from uqs.report.means import Line, Mean, Summary
from uqs.report.pages import pages
from uqs.text import count, signed

NAMED = 9
"""The most methods with a mark of their own."""
MOST = 8
"""The most benchmarks in one figure."""
X, Y = "AD", "JS"
ORIGINAL = Mark("#000000", "*", True)


def distances(found: Evidence) -> list[Drawing] | Missing:
    """A panel per benchmark, with tau-b and n above it, and the distances between oracles as lines."""
    summary = found.summary
    places = [
        name for name in summary.benchmarks if any(_both(summary, name, m) for m in summary.methods)
    ]
    if not places:
        return Missing("no method has values of both AD and JS")
    parts = pages(places, MOST)
    return [
        Drawing(
            numbered("distances", at, len(parts)), _caption(summary, part), _figure(found, part)
        )
        for at, part in enumerate(parts)
    ]


def _figure(found: Evidence, places: Sequence[str]) -> Figure:
    methods = found.summary.methods
    marks = {name: mark(at) for at, name in enumerate(methods)} if len(methods) <= NAMED else {}
    columns = min(2, len(places))
    lines = ceil(len(places) / columns)
    figure = canvas(1.5 * lines + 0.17 * ceil((len(marks) + 1) / 2) + 0.2)
    every = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, benchmark in zip(every, places, strict=False):
        _panel(axes, found.summary, benchmark, marks)
        axes.set_title(f"{label(benchmark)}\n{_tau(found, benchmark)}", loc="left")
    for axes in every[len(places) :]:
        axes.set_visible(False)
    figure.supxlabel(X, fontsize=POINTS)
    figure.supylabel(Y, fontsize=POINTS)
    kinds = {**marks, **({"original": ORIGINAL} if _originals(found.summary, places) else {})}
    if kinds:
        figure.legend(handles=handles(kinds), loc="outside upper left", ncols=2)
    return figure


def _originals(summary: Summary, places: Sequence[str]) -> bool:
    return any(_both(summary, name, "", Line.ORIGINAL) for name in places)


def _caption(summary: Summary, places: Sequence[str]) -> str:
    original = " and of the original (star)" if _originals(summary, places) else ""
    floors = [summary.mean(name, Line.FLOOR, metric) for name in places for metric in (X, Y)]
    both = [_both(summary, name, method) for name in places for method in summary.methods]
    runs = [one.known for pair in both if pair is not None for one in pair]
    return (
        f"AD against JS: means over seeds (n = {min(runs)} to {max(runs)}) with one standard error of"
        f" {count(len(summary.methods), 'method')} on {count(len(places), 'benchmark')}{original}."
        + (
            " Dashed: the distance between oracles, the noise floor."
            if any(one and one.value is not None for one in floors)
            else ""
        )
        + " Above each panel tau-b of the two over its models, and their number."
    )


def _both(
    summary: Summary, benchmark: str, method: str, line: Line = Line.UNLEARNED
) -> tuple[Mean, Mean] | None:
    if not {X, Y} <= set(summary.metrics):
        return None
    x, y = (summary.mean(benchmark, line, metric, method) for metric in (X, Y))
    if x is None or y is None or x.value is None or y.value is None:
        return None
    return x, y


def _panel(axes: Axes, summary: Summary, benchmark: str, marks: dict[str, Mark]) -> None:
    points = [
        (m, _both(summary, benchmark, m), marks.get(m, Mark(GREY, "o", False)))
        for m in summary.methods
    ]
    points.append(("", _both(summary, benchmark, "", Line.ORIGINAL), ORIGINAL))
    for _, both, own in points:
        if both is not None:
            x, y = both
            axes.errorbar(
                x.value or 0.0, y.value or 0.0, y.se, x.se, fmt=own.shape, color=own.colour, mfc=own.face,
                elinewidth=0.7, ms=6 if own is ORIGINAL else 3.5, zorder=3 if own is ORIGINAL else 2,
            )  # fmt: skip
    for metric, line in ((X, axes.axvline), (Y, axes.axhline)):
        floor = summary.mean(benchmark, Line.FLOOR, metric)
        if floor is not None and floor.value is not None:
            line(floor.value, color="0.5", ls="--", lw=0.7)
    axes.locator_params(nbins=4)


def _tau(found: Evidence, benchmark: str) -> str:
    for one in found.audit.agreement:
        if {one.a, one.b} == {X, Y} and benchmark in one.tau.per_benchmark:
            value = one.tau.per_benchmark[benchmark]
            said = "undefined" if value.value is None else signed(value.value, 2)
            return f"tau-b {said}, n = {value.n}"
    return "tau-b undefined"
