"""All figures by name, in the order of a paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from uqs.report.evidence import Evidence
from uqs.report.figures.arms import arms
from uqs.report.figures.canvas import Drawing, Missing, TooTallError, style
from uqs.report.figures.distances import distances
from uqs.report.figures.dose import dose
from uqs.report.figures.kr import kr
from uqs.report.figures.pooling import pooling
from uqs.report.figures.profiles import profiles
from uqs.report.figures.ranks import ranks
from uqs.report.figures.reliability import reliability
from uqs.report.figures.stability import stability
from uqs.report.figures.tau import tau

Draw = Callable[[Evidence], list[Drawing] | Missing]
DRAWS: Mapping[str, Draw] = {
    "tau": tau,
    "ranks": ranks,
    "arms": arms,
    "pooling": pooling,
    "reliability": reliability,
    "stability": stability,
    "kr": kr,
    "distances": distances,
    "dose": dose,
    "profiles": profiles,
}


def drawn(name: str, found: Evidence) -> list[Drawing] | Missing:
    """The figures of a name, or why there are none."""
    with style():
        try:
            return DRAWS[name](found)
        except TooTallError as error:
            return Missing(str(error))
