"""Making jobs: an executor runs a schedule; here by processes of this machine."""

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

from uqs.studies.arithmetic import Arithmetic, environment
from uqs.studies.jobs import Job
from uqs.studies.progress import Progress
from uqs.studies.schedule import Schedule
from uqs.studies.store import Store
from uqs.studies.worker import JobFailure, JobResult, work_through

DEFAULT_WORK = "uqs.studies.work:run"
TRIALS = "uqs.studies.tuning.trial:run"


class Executor(Protocol):
    """Makes every job of a schedule that can be made; returns what failed."""

    def run(self, schedule: Schedule, store: Store, progress: Progress) -> list[JobFailure]: ...


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
    arithmetic: Arithmetic = "native"

    def run(self, schedule: Schedule, store: Store, progress: Progress) -> list[JobFailure]:
        count = min(self.workers, len(schedule.remaining))
        with _pool(count, store, self.work, self.arithmetic) as workers:
            return _drive(workers, schedule, progress)


@dataclass
class _Worker:
    process: SpawnProcess
    connection: Connection
    job: Job | None = None

    def give(self, job: Job) -> None:
        self.job = job
        with suppress(ConnectionError):  # a dead worker is found when its result is asked for
            self.connection.send(job)

    def result(self, job: Job) -> JobResult | JobFailure:
        """What became of the job; a worker that died is a failure."""
        try:
            found: JobResult | JobFailure = self.connection.recv()
        except (EOFError, ConnectionError):
            self.process.join()
            code = self.process.exitcode or 0
            why = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            hint = "; was memory short?" if code == -signal.SIGKILL else ""
            return JobFailure(job.label, f"its worker process {why}{hint}", "", users=False)
        return found


def _drive(workers: list[_Worker], schedule: Schedule, progress: Progress) -> list[JobFailure]:
    failures: list[JobFailure] = []
    while True:
        for worker in workers:
            if worker.job is None and not failures and (job := schedule.take()):
                worker.give(job)
                progress.began(job)
        busy = {worker.connection: worker for worker in workers if worker.job}
        if not busy:
            return failures
        for connection in wait(list(busy)):
            worker = busy[connection]  # type: ignore[index]  # wait returns what it was given
            job, worker.job = worker.job, None
            if job is None:
                continue
            result = worker.result(job)
            if isinstance(result, JobFailure):
                failures.append(result)
                progress.failed(job)
                continue
            skipped = schedule.finish(result.key, result.stop)
            progress.made(job, result.seconds)
            if result.stop is not None:
                progress.stopped(job, result.stop, skipped)


@contextmanager
def _pool(count: int, store: Store, work: str, arithmetic: Arithmetic) -> Iterator[list[_Worker]]:
    """Started workers; they are ended at once when the block is left by an error or an interrupt."""
    context = multiprocessing.get_context("spawn")
    workers: list[_Worker] = []
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=work_through, args=(theirs, store.run, work))
            with _interrupts_ignored(), environment(arithmetic):
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
