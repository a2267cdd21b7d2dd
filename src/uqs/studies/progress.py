"""What a person sees while a study runs: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import fmean
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from uqs.studies.cells import Cell, Kind


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
    """Plain lines; told of everything that happens to cells, and a context manager around the work."""

    def __init__(
        self, console: Console, forecast: Forecast, done: int, waiting: Sequence[Cell]
    ) -> None:
        self.console, self.forecast = console, forecast
        self.done, self.total = done, done + len(waiting)
        self.running: dict[str, str] = {}
        self._begun = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def began(self, cell: Cell) -> None:
        """A worker took the cell."""
        self.running[cell.key] = cell.label

    def made(self, cell: Cell, seconds: float) -> None:
        """The cell is in the store."""
        del self.running[cell.key]
        self.done += 1
        self.forecast.drop(cell.kind)
        self.forecast.learn(cell.kind, seconds)
        self._show_made(cell)

    def failed(self, cell: Cell) -> None:
        """The cell could not be made."""
        del self.running[cell.key]
        self.line(f"failed: {cell.label}")

    def stopped(self, cell: Cell, reason: str, skipped: Sequence[Cell]) -> None:
        """What would be made from the cell is skipped."""
        self.total -= len(skipped)
        for other in skipped:
            self.forecast.drop(other.kind)
        self.line(f"{cell.label}: {reason}; {len(skipped)} cells are skipped")

    def line(self, text: str) -> None:
        """Print a line."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def left(self) -> str:
        """Time left in words, empty while unknown."""
        seconds = self.forecast.seconds_left()
        return "" if seconds is None or self.done == self.total else f"{clock(seconds)} left"

    def _show_made(self, cell: Cell) -> None:
        width = len(str(self.total))
        left = self.left()
        self.line(
            f"[{self.done:{width}}/{self.total}] {clock(time.monotonic() - self._begun)} {cell.label}"
            + (f" ({left})" if left else "")
        )


class BarProgress(Progress):
    """A bar with the cells done, the time left and what runs now."""

    def __init__(
        self, console: Console, forecast: Forecast, done: int, waiting: Sequence[Cell]
    ) -> None:
        super().__init__(console, forecast, done, waiting)
        self._bars = Bars(
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}", markup=False),
            TextColumn("{task.fields[now]}", markup=False),
            console=console,
        )
        self._task = self._bars.add_task("", total=self.total, completed=done, left="", now="")

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def began(self, cell: Cell) -> None:
        super().began(cell)
        self._update()

    def failed(self, cell: Cell) -> None:
        super().failed(cell)
        self._update()

    def stopped(self, cell: Cell, reason: str, skipped: Sequence[Cell]) -> None:
        super().stopped(cell, reason, skipped)
        self._update()

    def _show_made(self, cell: Cell) -> None:
        self._update()

    def _update(self) -> None:
        self._bars.update(
            self._task,
            completed=self.done,
            total=self.total,
            left=self.left(),
            now=" | ".join(self.running.values()),
        )


def clock(seconds: float) -> str:
    """1:02 or 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
