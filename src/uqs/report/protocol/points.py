"""All points of the protocol in order, and their table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from uqs.report.analysis import Analysis
from uqs.report.protocol import coverage, metrics, models, ranking
from uqs.report.protocol.answer import Answer
from uqs.report.terminal import Sheet

POINTS: Mapping[str, Callable[[Analysis], Answer]] = {
    "Knowledge before unlearning": models.knowledge,
    "Operating regime": metrics.regime,
    "Metric vector": metrics.vector,
    "Coverage kept apart": coverage.coverage,
    "Directions aligned": metrics.directions,
    "Ranks beside values": ranking.ranks,
    "Dependence of seeds": ranking.seeds,
    "Reference defined": models.reference,
    "Weight distances": models.weights,
    "Recoverability": models.recovery,
    "Utility, weights, sensitivity": ranking.scalar,
}
MET = {True: "met", False: "not met", None: "not known"}
TITLE = "The evaluation protocol, point by point"
NOTE = (
    "The protocol that the authors of arXiv 2605.02206 recommend in their later work (2026). Met says that"
    " the table answers a point, not that a method is good."
)


@dataclass(frozen=True)
class Point:
    """One point of the protocol; `met` is None if the table cannot say, and `figure` says why."""

    name: str
    met: bool | None
    figure: str


def protocol(found: Analysis) -> tuple[Point, ...]:
    """The protocol that the authors of arXiv 2605.02206 recommend in their later work (2026).

    Every point is answered from the run's own data. Benchmarks whose gates failed count only where
    originals and oracles are asked.
    """
    return tuple(Point(name, *answer(found)) for name, answer in POINTS.items())


def sheet(found: Analysis) -> Sheet:
    """The points as a table of words."""
    rows = [
        (f"{at}. {one.name}", MET[one.met], one.figure)
        for at, one in enumerate(protocol(found), start=1)
    ]
    return Sheet(TITLE, ("point", "", "what says so"), rows, NOTE, left=(0, 1, 2))
