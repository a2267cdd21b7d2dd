"""Processes of this machine make the jobs, on its CPU or its GPUs."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from uqs.studies.arithmetic import environment
from uqs.studies.executors.base import Outcomes, WorkerSettings
from uqs.studies.jobs import Job
from uqs.studies.progress import Progress
from uqs.studies.schedule import Schedule
from uqs.studies.store import Store
from uqs.studies.worker import JobFailure, JobResult, work_through


@dataclass(frozen=True)
class LocalProcesses:
    """A process for each of `places`, the variables that say where it computes, with one thread each: so
    results do not depend on how many there are."""

    places: Sequence[Mapping[str, str]]
    settings: WorkerSettings

    @property
    def workers(self) -> int:
        return len(self.places)

    def run(self, schedule: Schedule, store: Store, progress: Progress) -> list[JobFailure]:
        places = self.places[: len(schedule.remaining)]
        with _pool(places, store, self.settings) as workers:
            return _drive(workers, Outcomes(schedule, progress))


@dataclass
class _Worker:
    """A place and the process that works there; `own` are the jobs that it made."""

    place: Mapping[str, str]
    store: Store
    settings: WorkerSettings
    job: Job | None = None
    own: set[str] = field(default_factory=set)

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection: Connection
        self.connection, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(
            target=work_through, args=(theirs, self.store.run, self.settings.work)
        )
        with _interrupts_ignored(), environment({**self.settings.environment(), **self.place}):
            self.process.start()
        theirs.close()
        self.own.clear()

    def give(self, job: Job) -> None:
        """Send it a job; a worker that died is replaced."""
        if self.connection.closed:
            self.start()
        self.job = job
        with suppress(ConnectionError):  # a dead worker is found when its result is asked for
            self.connection.send(job)

    def result(self) -> JobResult | JobFailure | None:
        """What became of the job; None where the worker died."""
        try:
            found: JobResult | JobFailure = self.connection.recv()
        except (EOFError, ConnectionError):
            self.process.join()
            self.connection.close()
            return None
        return found

    def end(self) -> str:
        """How a dead worker ended, in words."""
        code = self.process.exitcode or 0
        if code >= 0:
            return f"ended with exit code {code}"
        hint = "; was memory short?" if code == -signal.SIGKILL else ""
        return f"was killed by signal {-code}{hint}"


def _drive(workers: Sequence[_Worker], outcomes: Outcomes) -> list[JobFailure]:
    while True:
        for worker in workers:
            if worker.job is None and (job := outcomes.take(worker.own)):
                worker.give(job)
        busy = {worker.connection: worker for worker in workers if worker.job}
        if not busy:
            return outcomes.failures
        for connection in wait(list(busy)):
            worker = busy[connection]  # type: ignore[index]  # wait returns what it was given
            job, worker.job = worker.job, None
            if job is None:
                continue
            result = worker.result()
            if result is None:
                outcomes.lost(job, worker.end())
                continue
            worker.own.add(job.key)
            outcomes.came(job, result)


@contextmanager
def _pool(
    places: Sequence[Mapping[str, str]], store: Store, settings: WorkerSettings
) -> Iterator[list[_Worker]]:
    """Started workers; they are ended at once when the block is left by an error or an interrupt."""
    workers: list[_Worker] = []
    try:
        for place in places:
            worker = _Worker(place, store, settings)
            worker.start()
            workers.append(worker)
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
