"""A worker that chooses its jobs itself: from the shared store, by their leases.

Nobody gives it work, so it needs no connection: it joins a run, on whatever host, and leaves when nothing is
left to make, when a job failed, or when the process that runs the study is gone.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from uqs import io
from uqs.errors import UserError
from uqs.studies.executors.base import LOSSES
from uqs.studies.executors.elsewhere import Elsewhere, check_code
from uqs.studies.hosts import host
from uqs.studies.jobs import Job
from uqs.studies.leases import Holder
from uqs.studies.schedule import Schedule
from uqs.studies.store import DRIVER, Store
from uqs.studies.worker import JobFailure, attempt, end_at_once

POLL = 0.5
"""Seconds between two looks for work."""


@dataclass(frozen=True)
class Failures:
    """What workers could not make, as files in the run folder."""

    folder: Path

    @classmethod
    def of(cls, store: Store) -> Failures:
        return cls(store.run / "failures")

    def put(self, name: str, failure: JobFailure) -> None:
        self.folder.mkdir(exist_ok=True)
        io.write_text(self.folder / f"{name}.json", json.dumps(asdict(failure)))

    def read(self) -> dict[str, JobFailure]:
        """By the key of the job, or what else the worker could not do."""
        files = sorted(self.folder.glob("[!.]*.json"))
        return {
            one.stem: JobFailure(**json.loads(one.read_text(encoding="utf-8"))) for one in files
        }

    def clear(self) -> None:
        for file in self.folder.glob("*"):
            file.unlink(missing_ok=True)


@dataclass(frozen=True)
class Join:
    """Joins the run of `driver` when called; `jobs` are all jobs of the study, after what they read."""

    place: Elsewhere
    jobs: Sequence[Job]
    driver: Holder

    def __call__(self) -> None:
        failures = Failures(self.place.run / "failures")
        try:
            store = self.place.enter()
            for job in self.jobs:
                check_code(job)
        except UserError as error:
            if not failures.folder.parent.is_dir():
                raise  # the driver finds it in the worker's log
            failures.put(
                f"host-{host()}", JobFailure("start of a worker", str(error), "", users=True)
            )
            return
        gone = threading.Event()
        threading.Thread(target=_watch, args=(store.run, self.driver, gone), daemon=True).start()
        _work(store, self, failures, gone)

    def checkpoint(self) -> object:
        """Asked by submitit where the cluster takes the node away: the worker is queued again."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def _work(store: Store, joined: Join, failures: Failures, gone: threading.Event) -> None:
    schedule, all_keys = Schedule(joined.jobs, {}), {job.key for job in joined.jobs}
    seen: set[str] = set()
    own: set[str] = set()
    while True:
        for key in (store.made() & all_keys) - seen:
            manifest = store.manifest(key)
            if manifest is not None:
                seen.add(key)
                schedule.finish(key, manifest.stop)
        if not schedule.remaining or failures.read() or gone.is_set():
            return
        if not take_one(store, schedule, failures, own, joined.place.settings.work):
            time.sleep(POLL)


def take_one(
    store: Store, schedule: Schedule, failures: Failures, own: set[str], work: str
) -> bool:
    """Make the first job that nobody else is at; whether there was one."""
    for job in schedule.ready(own):
        lease = store.leases.claim(job.key, end_at_once)
        if lease is None:
            continue
        if lease.number > LOSSES:
            lease.release()
            failures.put(
                job.key, JobFailure(job.label, f"{LOSSES} workers died at it", "", users=False)
            )
            return True
        result = attempt(job, store, work, lease)
        if isinstance(result, JobFailure):
            failures.put(job.key, result)
        else:
            own.add(job.key)
        return True
    return False


def _watch(run: Path, driver: Holder, gone: threading.Event) -> None:
    """Tell once the process that runs the study ended, or another took its place."""
    leases = Store(run).leases
    while not gone.wait(leases.beat / 5):
        holder = leases.holder(DRIVER)
        if holder is None or holder.claim not in ("", driver.claim):
            gone.set()
