"""The evaluation protocol on the board: each point, whether it is met, and what says so."""

from __future__ import annotations

from uqs.report.analysis import Analysis
from uqs.report.html import Cell, Column, Grid, Markup, join, note, table, text
from uqs.report.protocol import MET, NOTE, TITLE, protocol

STYLE = {True: "good", False: "bad", None: "status"}


def points(found: Analysis) -> Markup:
    """The points as a table, in the order of the protocol."""
    rows = [
        [
            text(f"{at}. {one.name}"),
            Cell(MET[one.met], MET[one.met], style=STYLE[one.met]),
            Cell(one.figure),
        ]
        for at, one in enumerate(protocol(found), start=1)
    ]
    columns = [
        Column("point", None, words=True),
        Column("outcome", None, words=True),
        Column("what says so", None, words=True),
    ]
    return join([note(NOTE), table(Grid(TITLE, columns, rows, style="prose"))])
