"""What every executor does, and what all its workers have in common."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, Protocol

from uqs.studies.arithmetic import Arithmetic, variables
from uqs.studies.jobs import Job
from uqs.studies.progress import Progress
from uqs.studies.schedule import Schedule
from uqs.studies.store import Store
from uqs.studies.worker import THREAD_VARIABLES, JobFailure, JobResult

DEFAULT_WORK = "uqs.studies.work:run"
TRIALS = "uqs.studies.tuning.trial:run"
LOSSES = 3
"""A job that cost so many workers their life is a failure: it is the job's fault, not theirs."""
Device = Literal["cpu", "cuda"]


class Executor(Protocol):
    """Makes every job of a schedule that can be made; returns what failed.

    After a failure nothing new begins, and what runs is finished. A worker that dies loses its job alone.
    """

    @property
    def workers(self) -> int:
        """How many work at the same time."""
        ...

    def run(self, schedule: Schedule, store: Store, progress: Progress) -> list[JobFailure]: ...


@dataclass(frozen=True)
class WorkerSettings:
    """`work` is what makes a job, as `module:function`."""

    work: str = DEFAULT_WORK
    arithmetic: Arithmetic = "native"
    device: Device = "cpu"

    def environment(self) -> dict[str, str]:
        """The variables that a worker needs before torch is loaded: one thread, the study's arithmetic, and
        on a GPU the workspace without which cuBLAS is not deterministic (its documentation says so)."""
        found = {**variables(self.arithmetic), **dict.fromkeys(THREAD_VARIABLES, "1")}
        return found | ({"CUBLAS_WORKSPACE_CONFIG": ":4096:8"} if self.device == "cuda" else {})


@dataclass
class Outcomes:
    """What became of the jobs that were given to workers, told to schedule and progress."""

    schedule: Schedule
    progress: Progress
    failures: list[JobFailure] = field(default_factory=list)
    _lost: Counter[str] = field(default_factory=Counter)

    def take(self, own: set[str]) -> Job | None:
        """The next job for a worker that made `own`; None after a failure, and where none is ready."""
        job = None if self.failures else self.schedule.take(own)
        if job is not None:
            self.progress.began(job)
        return job

    def came(self, job: Job, result: JobResult | JobFailure) -> None:
        """A job was made, or could not be made."""
        if isinstance(result, JobFailure):
            self.failures.append(result)
            self.progress.failed(job)
            return
        skipped = self.schedule.finish(result.key, result.stop)
        self.progress.made(job, result.seconds)
        if result.stop is not None:
            self.progress.stopped(job, result.stop, skipped)

    def lost(self, job: Job, why: str) -> None:
        """The worker of a job died: the job is begun again, unless it did so too often."""
        self._lost[job.key] += 1
        if self._lost[job.key] >= LOSSES:
            many = f"{LOSSES} workers died at it; the last one {why}"
            self.came(job, JobFailure(job.label, many, "", users=False))
            return
        self.schedule.put_back(job)
        self.progress.lost(job, why)
