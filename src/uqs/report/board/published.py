"""The published study as the board shows it: computed once, kept beside the application."""

from __future__ import annotations

import json
from importlib.resources import files

from uqs.report.board.live.published_schema import (
    LaterFinding,
    Published,
    PublishedFigure,
    PublishedRun,
    Unlike,
)
from uqs.report.reproduced import TITLES
from uqs.reproduction.differences import differences
from uqs.reproduction.later import later
from uqs.reproduction.reproduce import Reproduction
from uqs.reproduction.unlike import ALWAYS, MEASURED, reasons
from uqs.score.figures import multimodal

FILE = "published.json"
DIGITS = 10


def computed(found: Reproduction) -> Published:
    """From the published rows; `scripts/board_published.py` writes it into the package."""
    rows = multimodal()
    return Published(
        figures=[
            PublishedFigure(
                group=TITLES[one.group],
                key=one.key,
                printed=one.printed.text,
                reproduced=round(one.reproduced, DIGITS),
                corrected=None if one.corrected is None else round(one.corrected, DIGITS),
                agrees=one.printed.agrees(one.reproduced),
                why=one.why,
            )
            for one in differences(found)
        ],
        later=[
            LaterFinding(
                what=one.what,
                printed=one.printed.text,
                ours=None if one.ours is None else round(one.ours, DIGITS),
                agrees=None if one.ours is None else one.printed.agrees(one.ours),
                why=one.why,
            )
            for one in later(found)
        ],
        runs=[
            PublishedRun(
                benchmark=str(record["benchmark"]),
                method=str(record["method"]),
                seed=int(record["seed"]),
                values={name: float(record[name]) for name in MEASURED},
            )
            for record in rows.to_dict("records")
        ],
        always=ALWAYS,
        unlike=[
            Unlike(benchmark=benchmark, metric=metric, why=reasons(benchmark, metric))
            for benchmark in sorted(set(rows["benchmark"]))
            for metric in MEASURED
        ],
    )


def packaged() -> Published:
    """What `computed` gave when the package was made."""
    text = files("uqs.report.board.live").joinpath(FILE).read_text(encoding="utf-8")
    found: Published = json.loads(text)
    return found
