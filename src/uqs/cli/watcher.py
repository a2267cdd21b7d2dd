"""Progress while models are measured."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from uqs.evaluation.gather import Listener


class Watcher(Listener):
    """Shows on stderr what is being done: bars on a terminal, else a line a split."""

    def __init__(self, plain: bool) -> None:
        self._console = Console(stderr=True, markup=False, highlight=False)
        self._plain = plain or not self._console.is_terminal
        self._label = ""
        self._task: TaskID | None = None
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )

    def __enter__(self) -> Watcher:
        if not self._plain:
            self._bars.start()
        return self

    def __exit__(self, *raised: object) -> None:
        if not self._plain:
            self._bars.stop()

    def began(self, label: str) -> None:
        self._label = label
        if self._plain:
            self._console.print(label)
        else:
            self._bars.console.print(label)

    def traced(self, split: str, done: int, samples: int) -> None:
        if self._plain:
            if done == samples:
                self._console.print(f"  {split}: {samples} samples")
            return
        name = f"{self._label}: {split}"
        if self._task is None or done == 0:
            if self._task is not None:
                self._bars.remove_task(self._task)
            self._task = self._bars.add_task(name, total=samples)
        self._bars.update(self._task, completed=done)
