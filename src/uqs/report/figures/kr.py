"""What other questions get back of what a model seems to have forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uqs.report.evidence import Evidence
from uqs.report.figures.canvas import Drawing, Missing, canvas, numbered, rows_axis
from uqs.report.figures.marks import Mark, handles, mark
from uqs.report.means import Line, Mean, Summary
from uqs.report.pages import pages

LINE = 0.135
METRICS = ("KR", "KR_IMP")
MOST = 48
"""The most methods in one figure."""


def kr(found: Evidence) -> list[Drawing] | Missing:
    """Recovered shares by method and benchmark, beside the original and the oracles."""
    summary = found.summary
    metrics = [name for name in METRICS if _some(summary, name)]
    if not metrics:
        return Missing("no unlearned model has a value of KR or KR_IMP")
    parts = pages(summary.methods, MOST)
    return [
        Drawing(
            numbered("kr", at, len(parts)),
            _caption(summary, metrics),
            _figure(summary, metrics, part),
        )
        for at, part in enumerate(parts)
    ]


def _figure(summary: Summary, metrics: Sequence[str], methods: Sequence[str]) -> Figure:
    rows = [*((name, Line.UNLEARNED, name) for name in methods), *_references(summary, metrics)]
    marks = {name: mark(at) for at, name in enumerate(summary.benchmarks)}
    figure = canvas(LINE * max(7, len(rows)) + 0.17 * ceil(len(marks) / 3) + 0.5)
    every = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
    for axes, metric in zip(every, metrics, strict=True):
        _points(axes, summary, metric, [row[1:] for row in rows], marks)
        axes.axhline(len(methods) - 0.5, color="black", lw=0.6)
        axes.set_xlabel(metric)
    rows_axis(every[0], [row[0] for row in rows])
    figure.legend(handles=handles(marks), loc="outside upper left", ncols=3)
    return figure


def _caption(summary: Summary, metrics: Sequence[str]) -> str:
    own = [one for place, one in summary.means.items() if place.metric in metrics]
    runs, lost = [one.known for one in own if one.known], sum(one.value is None for one in own)
    said = (
        "Knowledge recoverability: the share of the forget questions answered wrong whose answer another"
        " question brings out (KR), or whose right answer the model tells from wrong ones (KR_IMP). What"
        f" the oracle reaches is guessing. Mean over seeds and one standard error (n = {min(runs)} to"
        f" {max(runs)} models a point)."
    )
    return said + (f" {lost} points have no value." if lost else "")


def _some(summary: Summary, metric: str) -> bool:
    return any(
        place.metric == metric and place.line is Line.UNLEARNED and one.value is not None
        for place, one in summary.means.items()
    )


def _references(summary: Summary, metrics: Sequence[str]) -> list[tuple[str, Line, str]]:
    return [
        (line.value, line, "")
        for line in (Line.ORIGINAL, Line.ORACLE)
        if any(
            _mean(summary, name, metric, line, "")
            for name in summary.benchmarks
            for metric in metrics
        )
    ]


def _mean(summary: Summary, benchmark: str, metric: str, line: Line, method: str) -> Mean | None:
    found = summary.mean(benchmark, line, metric, method)
    return found if found is not None and found.value is not None else None


def _points(
    axes: Axes,
    summary: Summary,
    metric: str,
    rows: Sequence[tuple[Line, str]],
    marks: dict[str, Mark],
) -> None:
    step = 0.6 / max(1, len(marks) - 1)
    for at, (benchmark, own) in enumerate(marks.items()):
        for row, (line, method) in enumerate(rows):
            found = _mean(summary, benchmark, metric, line, method)
            if found is not None:
                height = row + step * (at - (len(marks) - 1) / 2) * (len(marks) > 1)
                axes.errorbar(
                    found.value or 0.0, height, xerr=found.se, fmt=own.shape, ms=3, color=own.colour,
                    mfc=own.face, elinewidth=0.7,
                )  # fmt: skip
    axes.set_xlim(-0.05, 1.05)
