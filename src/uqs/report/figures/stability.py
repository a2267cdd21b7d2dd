"""Who is first, and how far the ranking holds, when the weights move."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from matplotlib.axes import Axes

from uqs.report.evidence import Evidence
from uqs.report.figures.canvas import Drawing, Missing, canvas, rows_axis
from uqs.report.figures.marks import COLOURS, Mark, key
from uqs.score import ScoreResult
from uqs.score.scoring import DRAWS
from uqs.score.stability import LocalStability
from uqs.text import count

LINE = 0.17
MOST = 25
"""The most methods that are drawn."""
CURVES = {
    "tau-b": Mark(COLOURS[0], "o", True),
    "same first": Mark(COLOURS[1], "s", False),
}


def stability(found: Evidence) -> list[Drawing] | Missing:
    """Above, the share of all weightings under which a method is first; below, moved weights."""
    if isinstance(found.score, str):
        return Missing(f"the methods cannot be ranked: {found.score}")
    score = found.score
    ever = sorted(score.methods, key=lambda one: (-one.first_share, one.method))
    drawn = [one for one in ever if one.first_share > 0][:MOST]
    figure = canvas(LINE * len(drawn) + 2.6)
    above, below = figure.subplots(2, 1, height_ratios=[LINE * len(drawn) + 0.4, 1.5])
    _first(above, [one.method for one in drawn], [one.first_share for one in drawn])
    _moved(below, score.stability.local)
    caption = (
        f"Stability under other weights. Above: the share of {DRAWS:,} weightings, drawn evenly from all,"
        " under which each method is first, with its sampling error (n ="
        f" {count(len(score.methods), 'method')}"
        f"{_never(score, len(drawn))}). Below: weights drawn around equal ones (Dirichlet); mean and"
        f" standard deviation of tau-b with the ranking under equal weights, and the share of {DRAWS:,}"
        " draws with the same first method."
    )
    return [Drawing("stability", caption, figure)]


def _never(score: ScoreResult, drawn: int) -> str:
    zero = sum(one.first_share == 0 for one in score.methods)
    more = len(score.methods) - zero - drawn
    parts = ([f"{zero} are never first"] if zero else []) + (
        [f"{more} more are not drawn"] if more else []
    )
    return f"; {' and '.join(parts)}" if parts else ""


def _first(axes: Axes, methods: Sequence[str], shares: Sequence[float]) -> None:
    errors = [sqrt(share * (1 - share) / DRAWS) for share in shares]
    axes.barh(
        range(len(methods)), shares, 0.7, xerr=errors, color="0.85", edgecolor="black", lw=0.6, hatch="////",
        error_kw={"lw": 0.8},
    )  # fmt: skip
    for row, share in enumerate(shares):
        axes.annotate(f"{share:.1%}", (share, row), (4, 0), textcoords="offset points", va="center")
    rows_axis(axes, methods)
    axes.grid(visible=False)
    axes.set_xlim(0, 1.15)
    axes.set_xlabel("first under this share of all weightings")


def _moved(axes: Axes, local: Sequence[LocalStability]) -> None:
    places = range(len(local))
    known = [at for at in places if local[at].mean_tau is not None]
    taus = [local[at].mean_tau or 0.0 for at in known]
    errors = [local[at].sd_tau or 0.0 for at in known]
    one, other = CURVES.values()
    axes.errorbar(known, taus, errors, fmt=f"-{one.shape}", color=one.colour, capsize=2.5)
    axes.plot(
        places,
        [at.same_first for at in local],
        f"--{other.shape}",
        color=other.colour,
        mfc=other.face,
    )
    axes.set_xticks(places, [f"{at.kappa:g}\n±{at.weight_sd:.2f}" for at in local])
    axes.set_xlim(-0.4, len(local) - 0.6)
    axes.set_ylim(top=1.05)
    axes.set_xlabel("concentration of the weights;\nbelow it, their mean standard deviation")
    axes.grid(axis="y")
    key(axes, CURVES, 2)
