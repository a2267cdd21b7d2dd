"""Dose and response: what each metric says of models that were taught a known share."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uqs.audit.ladder import Ladder
from uqs.audit.report_cards import ReportCard
from uqs.records import Role
from uqs.report.evidence import Evidence
from uqs.report.figures.canvas import POINTS, TALLEST, Drawing, Missing, canvas, labels, numbered
from uqs.report.figures.marks import LINES, Mark, handles, mark
from uqs.report.pages import pages
from uqs.text import listed

Judgement = tuple[ReportCard, Ladder]
FEW, MOST = 14, 21
"""More metrics stand in three columns; still more in another figure."""
BESIDE = {Role.SUPPRESSED: (1.12, "d", "suppressed"), Role.DAMAGED: (1.24, "x", "damaged")}
"""Where models that know everything and look different stand, and their shape."""


def dose(found: Evidence) -> list[Drawing] | Missing:
    """A small panel per metric, a line per benchmark."""
    cards = [card for card in found.audit.report_cards if card.headline]
    if not cards:
        return Missing("the table has no models that were taught a known share")
    metrics = list(dict.fromkeys(card.metric for card in cards))
    parts = [[one for one in cards if one.metric in some] for some in pages(metrics, MOST)]
    ladders = {(one.benchmark, one.metric, one.split): one for one in found.ladders}
    drawn = [
        [(one, ladders[one.benchmark, one.metric, one.split]) for one in part] for part in parts
    ]
    return [
        Drawing(numbered("dose", at, len(drawn)), _caption(part), _figure(part))
        for at, part in enumerate(drawn)
    ]


def _figure(every: Sequence[Judgement]) -> Figure:
    metrics, benchmarks = (
        list(dict.fromkeys(getattr(card, name) for card, _ in every))
        for name in ("metric", "benchmark")
    )
    marks = {name: mark(at) for at, name in enumerate(benchmarks)}
    columns = 2 if len(metrics) <= FEW else 3
    lines = ceil(len(metrics) / columns)
    height = 0.95 * lines + 0.17 * ceil((len(marks) + 2) / 2) + 0.25
    figure = canvas(min(height, TALLEST))
    panels = figure.subplots(lines, columns, sharex=True, squeeze=False).ravel()
    for axes, metric in zip(panels, metrics, strict=False):
        own = [(card, ladder) for card, ladder in every if card.metric == metric]
        for card, ladder in own:
            at = benchmarks.index(card.benchmark)
            _response(axes, ladder, marks[card.benchmark], LINES[at % len(LINES)])
        usable = sum(card.usable for card, _ in own)
        axes.set_title(f"{labels([metric], 14)[0]} {usable}/{len(own)}", loc="left", pad=2)
        axes.set_xticks([0, 0.5, 1])
        axes.locator_params(axis="y", nbins=3)
    for axes in panels[len(metrics) :]:
        axes.set_visible(False)
    figure.supxlabel("share of the forget entities that was taught", fontsize=POINTS)
    figure.legend(handles=handles({**marks, **_beside(every)}), loc="outside upper left", ncols=2)
    return figure


def _beside(every: Sequence[Judgement]) -> dict[str, Mark]:
    """The kinds of models beside the ladder that are drawn."""
    roles = {rung.role for _, ladder in every for rung in ladder.beside}
    return {
        said: Mark("black", shape, True)
        for role, (_, shape, said) in BESIDE.items()
        if role in roles
    }


def _response(axes: Axes, ladder: Ladder, own: Mark, style: str) -> None:
    shares = [rung.share for rung in ladder.rungs]
    axes.errorbar(
        shares,
        [rung.mean for rung in ladder.rungs],
        yerr=[rung.sd or 0.0 for rung in ladder.rungs],
        fmt=own.shape, ls=style, ms=3, color=own.colour, mfc=own.face, elinewidth=0.7,
    )  # fmt: skip
    for rung in ladder.beside:
        place, shape, _ = BESIDE[Role(rung.role)]
        axes.errorbar(
            place,
            rung.mean,
            rung.sd,
            fmt="",
            marker=shape,
            ms=3.5,
            color=own.colour,
            elinewidth=0.7,
        )


def _caption(every: Sequence[Judgement]) -> str:
    models = [len(rung.values) for _, ladder in every for rung in ladder.rungs]
    said = (
        "Dose and response: the mean and standard deviation between models that were taught a known share"
        f" of the forget entities (0: oracles, 1: originals; n = {min(models)} to {max(models)} models a"
        " point). Behind each metric, on how many benchmarks it says how much a model knows."
    )
    beside = list(_beside(every))
    if beside:
        said += f" Right of 1: {listed(beside)} models, which know everything."
    return said
