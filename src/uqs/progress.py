"""How far a piece of work is, on stderr: a bar on a terminal, lines elsewhere or where they are asked for."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from uqs.text import clock


def stderr_console() -> Console:
    """Standard error, names printed as they are."""
    return Console(stderr=True, markup=False, highlight=False)


class Display:
    """One bar, with lines printed above it; `bars` is false where only the lines are shown.

    A context manager around the work; the bar vanishes at its end.
    """

    def __init__(self, plain: bool = False, console: Console | None = None) -> None:
        self.console = console or stderr_console()
        self.bars = self.console.is_terminal and not plain
        self._progress = Progress(
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            _TimeLeft(),
            TextColumn("{task.description}", markup=False),
            console=self.console,
            transient=True,
        )
        self._task = self._progress.add_task("", total=None, left=None, visible=False)
        self._of: str | None = None

    def __enter__(self) -> Self:
        if self.bars:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bars:
            self._progress.stop()

    def line(self, text: str) -> None:
        """Print a line, above the bar where there is one."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def show(
        self, work: str, done: int, total: int, *, now: str = "", left: str | None = None
    ) -> None:
        """The bar of `work`: so much is done; `now` follows it, `left` replaces the time that rich foresees.

        Another `work` begins the bar, and its clock, anew. Nothing is shown without bars.
        """
        if not self.bars:
            return
        if work != self._of:
            self._progress.reset(self._task, visible=True)
            self._of = work
        self._progress.update(
            self._task,
            completed=done,
            total=total,
            description=", ".join(part for part in (work, now) if part),
            left=left,
        )


class _TimeLeft(ProgressColumn):
    """Time left, as it is told or as the speed gives it."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        told: str | None = task.fields["left"]
        if told is None:
            seconds = task.time_remaining
            told = "" if seconds is None or task.finished else f"{clock(seconds)} left"
        return Text(told, style="progress.remaining")
