"""The rank that each metric gives to each method."""

from __future__ import annotations

from matplotlib.colors import Normalize

from uqs.report.evidence import Evidence
from uqs.report.figures.canvas import Drawing, Missing, canvas
from uqs.report.figures.heat import HeatCell, heat
from uqs.report.ranked import profile
from uqs.text import count

LINE = 0.165
"""The height of a row, in inches."""


def ranks(found: Evidence) -> list[Drawing] | Missing:
    """Mean ranks over benchmarks by metric, beside the rank by UQS."""
    table = profile(found)
    if found.no_ranks:
        return Missing(found.no_ranks)
    size = len(table.methods)
    cells = [
        [
            HeatCell(rank, "" if rank is None else f"{rank:.1f}".removesuffix(".0"))
            for rank in (column.ranks[at] for column in table.columns)
        ]
        for at in range(size)
    ]
    figure = canvas(LINE * size + 1.15)
    axes = figure.add_subplot()
    inches = 1.8 / len(table.columns)
    names = [column.name for column in table.columns]
    shades = heat(axes, cells, table.methods, names, Normalize(1, size), inches)
    bar = figure.colorbar(shades, ax=axes, aspect=30, pad=0.02, fraction=0.06, ticks=[1, size])
    bar.ax.invert_yaxis()
    bar.set_label("mean rank", labelpad=-2)
    wide = {column.critical for column in table.columns if column.critical is not None}
    least = f"{min(wide):.1f}" + ("" if len(wide) == 1 else f" to {max(wide):.1f}")
    caption = (
        f"Mean rank of each method by each metric over {count(table.blocks, 'benchmark')} (1 is best),"
        f" seeds and strengths averaged. Two methods differ by a metric where their mean ranks are {least}"
        " or more apart (Nemenyi, 5%)."
    )
    if table.score:
        caption += " UQS: the rank by the score under equal weights."
    if table.left_out:
        caption += (
            f" Without a rank for want of values on some benchmark: {', '.join(table.left_out)}."
        )
    return [Drawing("ranks", caption, figure)]
