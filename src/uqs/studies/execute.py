"""Making cells: an executor runs a schedule; here by processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Protocol

from uqs.studies.cells import Cell
from uqs.studies.progress import Progress
from uqs.studies.schedule import Schedule
from uqs.studies.store import Store
from uqs.studies.worker import Done, Failed, work_through

DEFAULT_WORK = "uqs.studies.work:run"
TRIALS = "uqs.studies.tuning.trial:run"


class Executor(Protocol):
    """Makes every cell of a schedule that can be made; returns what failed."""

    def run(self, schedule: Schedule, store: Store, progress: Progress) -> list[Failed]: ...


def default_workers() -> int:
    """Two where the machine has two cores: each worker computes with one thread."""
    return min(2, os.cpu_count() or 1)


@dataclass(frozen=True)
class LocalProcesses:
    """Worker processes of this machine, each with one thread, so that results do not depend on how many.

    After a failure nothing new begins, and what runs is finished.
    """

    workers: int
    work: str = DEFAULT_WORK

    def run(self, schedule: Schedule, store: Store, progress: Progress) -> list[Failed]:
        count = min(self.workers, len(schedule.remaining))
        with _pool(count, store, self.work) as workers:
            return _drive(workers, schedule, progress)


@dataclass
class _Worker:
    process: SpawnProcess
    connection: Connection
    cell: Cell | None = None

    def give(self, cell: Cell) -> None:
        self.cell = cell
        with suppress(ConnectionError):  # a dead worker is found when its result is asked for
            self.connection.send(cell)

    def result(self, cell: Cell) -> Done | Failed:
        """What became of the cell; a worker that died is a failure."""
        try:
            found: Done | Failed = self.connection.recv()
        except (EOFError, ConnectionError):
            self.process.join()
            code = self.process.exitcode or 0
            why = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            hint = "; was memory short?" if code == -signal.SIGKILL else ""
            return Failed(cell.label, f"its worker process {why}{hint}", "", users=False)
        return found


def _drive(workers: list[_Worker], schedule: Schedule, progress: Progress) -> list[Failed]:
    failures: list[Failed] = []
    while True:
        for worker in workers:
            if worker.cell is None and not failures and (cell := schedule.take()):
                worker.give(cell)
                progress.began(cell)
        busy = {worker.connection: worker for worker in workers if worker.cell}
        if not busy:
            return failures
        for connection in wait(list(busy)):
            worker = busy[connection]  # type: ignore[index]  # wait returns what it was given
            cell, worker.cell = worker.cell, None
            if cell is None:
                continue
            result = worker.result(cell)
            if isinstance(result, Failed):
                failures.append(result)
                progress.failed(cell)
                continue
            skipped = schedule.finish(result.key, result.stop)
            progress.made(cell, result.seconds)
            if result.stop is not None:
                progress.stopped(cell, result.stop, skipped)


@contextmanager
def _pool(count: int, store: Store, work: str) -> Iterator[list[_Worker]]:
    """Started workers; they are ended at once when the block is left by an error or an interrupt."""
    context = multiprocessing.get_context("spawn")
    workers: list[_Worker] = []
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=work_through, args=(theirs, store.run, work))
            with _interrupts_ignored():
                process.start()
            theirs.close()
            workers.append(_Worker(process, ours))
        yield workers
    except BaseException:
        for worker in workers:
            worker.process.kill()
        raise
    finally:
        for worker in workers:
            worker.connection.close()
        for worker in workers:
            worker.process.join()


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """A process started here ignores Ctrl-C from its first moment."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
