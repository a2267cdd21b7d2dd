"""Slurm starts workers, which choose their jobs themselves; this process watches and tells.

An array of workers queues once, and each keeps what it holds in memory from job to job.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from uqs.errors import UserError
from uqs.studies.executors.base import LOSSES, WorkerSettings
from uqs.studies.executors.elsewhere import Elsewhere
from uqs.studies.executors.joined import POLL, Failures, Join
from uqs.studies.executors.slurm_settings import SlurmSettings
from uqs.studies.jobs import Job
from uqs.studies.progress import Progress
from uqs.studies.schedule import Schedule
from uqs.studies.store import DRIVER, Store
from uqs.studies.worker import JobFailure

TIMEOUTS = 1000
"""How often a worker that reached its time limit is queued again: a worker can end and begin at any time."""

PATIENCE = 120.0
"""Seconds that a worker has to find that nothing is left to do."""


@dataclass(frozen=True)
class SlurmWorkers:
    """An array of `slurm.workers` workers; logs are in the run folder's `slurm`."""

    jobs: Sequence[Job]
    settings: WorkerSettings
    slurm: SlurmSettings

    def __post_init__(self) -> None:
        if find_spec("submitit") is None:
            raise UserError(
                "submitit is not installed; --executor slurm needs: pip install 'uqs[slurm]'"
            )

    @property
    def workers(self) -> int:
        return self.slurm.workers

    def run(self, schedule: Schedule, store: Store, progress: Progress) -> list[JobFailure]:
        failures = Failures.of(store)
        failures.clear()
        driver = store.leases.holder(DRIVER)
        if driver is None:
            raise RuntimeError("the run folder is not locked")
        join = Join(Elsewhere.of(store, self.settings), self.jobs, driver)
        array = _Array(self._submitter(store), join)
        count = min(self.workers, len(schedule.remaining))
        try:
            array.submit(count)
            watch = _Watch(schedule, store, progress, failures)
            found = _watch_to_the_end(watch, array, count)
            array.leave()
        except BaseException:
            array.cancel()
            raise
        return found

    def _submitter(self, store: Store) -> Any:
        import submitit

        try:
            found = submitit.AutoExecutor(
                store.run.absolute() / "slurm",
                cluster=self.slurm.cluster,
                slurm_max_num_timeout=TIMEOUTS,
            )
        except RuntimeError as error:
            raise UserError(f"--executor slurm: {error}") from None
        found.update_parameters(**self.slurm.parameters(on_gpu=self.settings.device == "cuda"))
        return found


@dataclass
class _Watch:
    """What the store says of the jobs, told to schedule and progress."""

    schedule: Schedule
    store: Store
    progress: Progress
    failures: Failures

    def __post_init__(self) -> None:
        self._waiting = {job.key: job for job in self.schedule.remaining}
        self._running: set[str] = set()

    def look(self) -> int:
        """Tell what is new; returns how many jobs were made since the last look."""
        made = self.store.made() & self._waiting.keys()
        for key in sorted(made):
            job = self._waiting.pop(key)
            self._begin(job)
            manifest = self.store.manifest(key)
            if manifest is None:
                raise RuntimeError(f"job {key} was made and is gone")
            skipped = self.schedule.finish(key, manifest.stop)
            self._running.discard(key)
            self.progress.made(job, manifest.seconds)
            for other in skipped:
                self._waiting.pop(other.key, None)
            if manifest.stop is not None:
                self.progress.stopped(job, manifest.stop, skipped)
        for job in self._at_work():
            self._begin(job)
        return len(made)

    @property
    def remaining(self) -> bool:
        return bool(self.schedule.remaining)

    @property
    def busy(self) -> bool:
        return bool(self._at_work())

    def failed(self) -> list[JobFailure]:
        """What failed, told to progress."""
        found = self.failures.read()
        for key in self._running & found.keys() & self._waiting.keys():
            self.progress.failed(self._waiting[key])
        return list(found.values())

    def _at_work(self) -> list[Job]:
        """The jobs at which a worker is."""
        keys = self.store.leases.names() & self._waiting.keys()
        return [self._waiting[key] for key in sorted(keys) if self.store.leases.holder(key)]

    def _begin(self, job: Job) -> None:
        if job.key not in self._running:
            self._running.add(job.key)
            self.progress.began(job)


class _Array:
    """The workers that were submitted."""

    def __init__(self, submitter: Any, join: Join) -> None:
        self._submitter, self._join = submitter, join
        self._handles: list[Any] = []

    def submit(self, count: int) -> None:
        """Queue further workers, as one array; UserError with what sbatch says against it."""
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        try:
            with self._submitter.batch():
                further = [self._submitter.submit(self._join) for _ in range(count)]
        except (FailedJobError, FailedSubmissionError) as error:
            raise UserError(f"--executor slurm: {' '.join(str(error).split())}") from None
        self._handles += further

    def ended(self) -> list[Any]:
        """Workers that ended since the last call; they are forgotten."""
        found = [handle for handle in self._handles if handle.done()]
        self._handles = [handle for handle in self._handles if handle not in found]
        return found

    @property
    def left(self) -> int:
        return len(self._handles)

    def leave(self) -> None:
        """Take back workers that wait in the queue; those that run find that nothing is left to do."""
        for handle in self._handles:
            if handle.state == "PENDING":
                handle.cancel()
        end = time.monotonic() + PATIENCE
        while self._handles and time.monotonic() < end:
            self.ended()
            time.sleep(POLL / 5)
        self.cancel()

    def cancel(self) -> None:
        for handle in self._handles:
            with suppress(Exception):  # one that ended meanwhile
                handle.cancel()


def _watch_to_the_end(watch: _Watch, array: _Array, count: int) -> list[JobFailure]:
    """Until everything is made, or a job failed and what runs is finished.

    A worker that ended while there is work is replaced, but not if `LOSSES` times as many as began ended
    before another job was made.
    """
    deaths = 0
    while True:
        ended = array.ended()  # first: what they made is then seen by the look
        if watch.look():
            deaths = 0
        failed = bool(watch.failures.read())
        if failed and not (watch.busy and array.left):
            return watch.failed()
        if not watch.remaining:
            return []
        if ended and not failed:
            deaths += len(ended)
            if deaths > LOSSES * count:
                return [_gave_up(ended[-1])]
            array.submit(len(ended))
        time.sleep(POLL)


def _gave_up(handle: Any) -> JobFailure:
    log = str(handle.stderr() or "").strip()
    last = log.splitlines()[-1] if log else f"state {handle.state}"
    message = f"workers end before they make a job ({last}); logs: {handle.paths.folder}"
    return JobFailure("work under Slurm", message, log, users=False)
