"""What a person sees while a study runs: the cells done, the time left, and what runs now."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import fmean

from uqs.progress import Display
from uqs.studies.cells import Cell, Kind
from uqs.text import clock


class Forecast:
    """Time left, from the seconds that cells of the same kind took."""

    def __init__(self, workers: int, waiting: Sequence[Cell]) -> None:
        self._workers = workers
        self._waiting = Counter(cell.kind for cell in waiting)
        self._seconds: defaultdict[Kind, list[float]] = defaultdict(list)

    def learn(self, kind: Kind, seconds: float) -> None:
        """A cell of this kind took so long."""
        self._seconds[kind].append(seconds)

    def drop(self, kind: Kind) -> None:
        """A cell of this kind is no longer waited for."""
        self._waiting[kind] -= 1

    def seconds_left(self) -> float | None:
        """None while a kind that is waited for was never seen."""
        waiting = +self._waiting
        if any(kind not in self._seconds for kind in waiting):
            return None
        return sum(n * fmean(self._seconds[kind]) for kind, n in waiting.items()) / self._workers


class Progress:
    """Told of everything that happens to cells: a bar with what runs now, or a line a cell."""

    def __init__(
        self, display: Display, forecast: Forecast, done: int, waiting: Sequence[Cell]
    ) -> None:
        self.display, self.forecast = display, forecast
        self.done, self.total = done, done + len(waiting)
        self.running: dict[str, str] = {}
        self._begun = time.monotonic()

    def began(self, cell: Cell) -> None:
        """A worker took the cell."""
        self.running[cell.key] = cell.label
        self._update()

    def made(self, cell: Cell, seconds: float) -> None:
        """The cell is in the store."""
        del self.running[cell.key]
        self.done += 1
        self.forecast.drop(cell.kind)
        self.forecast.learn(cell.kind, seconds)
        if not self.display.bars:
            self._line_of(cell)
        self._update()

    def failed(self, cell: Cell) -> None:
        """The cell could not be made."""
        del self.running[cell.key]
        self.display.line(f"failed: {cell.label}")
        self._update()

    def stopped(self, cell: Cell, reason: str, skipped: Sequence[Cell]) -> None:
        """What would be made from the cell is skipped."""
        self.total -= len(skipped)
        for other in skipped:
            self.forecast.drop(other.kind)
        self.display.line(f"{cell.label}: {reason}; {len(skipped)} cells are skipped")
        self._update()

    def _left(self) -> str:
        """Time left in words, empty while unknown."""
        seconds = self.forecast.seconds_left()
        return "" if seconds is None or self.done == self.total else f"{clock(seconds)} left"

    def _line_of(self, cell: Cell) -> None:
        width = len(str(self.total))
        left = self._left()
        self.display.line(
            f"[{self.done:{width}}/{self.total}] {clock(time.monotonic() - self._begun)} {cell.label}"
            + (f" ({left})" if left else "")
        )

    def _update(self) -> None:
        now = " | ".join(self.running.values())
        self.display.show("", self.done, self.total, now=now, left=self._left())
