"""Pooling reversal (Simpson): tau-b of all rows together against its mean within benchmarks."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from uqs.audit.findings import Agreement
from uqs.report.evidence import Evidence
from uqs.report.figures.canvas import Drawing, Missing, canvas, rows_axis
from uqs.report.figures.marks import COLOURS, Mark, key
from uqs.text import count

LINE = 0.16
MOST = 40
"""The most pairs in a figure; of more, those whose sign reverses, then the largest differences."""
KINDS = {
    "within benchmarks": Mark(COLOURS[0], "o", True),
    "pooled": Mark(COLOURS[1], "s", False),
}


def pooling(found: Evidence) -> list[Drawing] | Missing:
    """A line per pair of metrics, thick where the sign turns round."""
    if found.no_pairs:
        return Missing(found.no_pairs)
    if found.audit.design.benchmarks < 2:
        return Missing("with one benchmark there is nothing to pool")
    both = [
        one
        for one in found.audit.agreement
        if one.tau.stratified.value is not None and one.tau.pooled.value is not None
    ]
    if not both:
        return Missing("no two metrics have a tau-b on any benchmark")
    largest = sorted(both, key=lambda one: (not one.tau.sign_reverses, -_difference(one)))[:MOST]
    drawn = [one for one in both if one in largest]
    figure = canvas(LINE * len(drawn) + 0.75)
    axes = figure.add_subplot()
    _lines(axes, drawn)
    reversed_ = sum(one.tau.sign_reverses for one in both)
    design = found.audit.design
    some = "" if len(drawn) == len(both) else f"; drawn: {len(drawn)}, the reversals first"
    caption = (
        "Pooling: tau-b of two aligned metrics over all rows together (n ="
        f" {count(design.rows, 'model')}), against its mean within {count(design.benchmarks, 'benchmark')}"
        " with the 95% interval over methods where there is one. Thick: the sign turns round (Simpson;"
        f" {reversed_} of {count(len(both), 'pair')}{some})."
    )
    return [Drawing("pooling", caption, figure)]


def _difference(one: Agreement) -> float:
    return abs((one.tau.pooled.value or 0.0) - (one.tau.stratified.value or 0.0))


def _lines(axes: Axes, drawn: Sequence[Agreement]) -> None:
    within, pooled = KINDS.values()
    for row, one in enumerate(drawn):
        a, b = one.tau.stratified.value or 0.0, one.tau.pooled.value or 0.0
        turned = one.tau.sign_reverses
        axes.plot(
            [a, b],
            [row, row],
            color="black" if turned else "0.65",
            lw=2.2 if turned else 0.8,
            zorder=1,
        )
        if one.interval.low is not None and one.interval.high is not None:
            axes.plot(
                [one.interval.low, one.interval.high], [row + 0.28] * 2, color=within.colour, lw=0.8
            )
        axes.plot(a, row, within.shape, color=within.colour, mfc=within.face)
        axes.plot(b, row, pooled.shape, color=pooled.colour, mfc=pooled.face)
    rows_axis(axes, [f"{one.a} and {one.b}" for one in drawn])
    axes.axvline(0, color="black", lw=0.6)
    axes.set_xlim(-1.05, 1.05)
    axes.set_xlabel("tau-b")
    key(axes, KINDS, 2)
