"""What a worker needs that an executor starts on another host, and how it begins there."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from uqs.errors import UserError
from uqs.studies.executors.base import WorkerSettings
from uqs.studies.hosts import host, require_folder
from uqs.studies.jobs import Job
from uqs.studies.store import Store
from uqs.studies.worker import JobFailure, JobResult, attempt


@dataclass(frozen=True)
class Elsewhere:
    """The run folder, and where `uqs run` was called: absolute, on a file system that all hosts share."""

    run: Path
    called_in: Path
    settings: WorkerSettings

    @classmethod
    def of(cls, store: Store, settings: WorkerSettings) -> Elsewhere:
        return cls(store.run.absolute(), Path.cwd(), settings)

    def enter(self) -> Store:
        """Make this process a worker of the run; UserError, with the host, if it does not see the folders."""
        require_folder(self.run / "jobs", "the run folder; all hosts must share its file system")
        require_folder(
            self.called_in, "where 'uqs run' was called; paths in the study are relative to it"
        )
        os.chdir(self.called_in)
        wanted = self.settings.environment()
        if "torch" in sys.modules and any(os.environ.get(name) != wanted[name] for name in wanted):
            raise RuntimeError("torch was loaded before its environment was set")
        os.environ.update(wanted)
        return Store(self.run)


def check_code(job: Job) -> None:
    """Raise UserError, with the host, unless the job has the key here that it has where it was planned."""
    if replace(job).key != job.key:  # a copy without the key that came with the job
        raise UserError(
            f"{host()} has another version of uqs or of the libraries that decide results than the host that "
            "runs the study; install the same on both"
        )


def attempt_elsewhere(place: Elsewhere, job: Job) -> JobResult | JobFailure:
    """Make one job in a process that an executor gave for it."""
    try:
        store = place.enter()
        check_code(job)
    except UserError as error:
        return JobFailure(job.label, str(error), "", users=True)
    return attempt(job, store, place.settings.work)
