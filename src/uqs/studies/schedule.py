"""Which job comes next: the longest chain of work first; among equals, first the one whose inputs the asking
worker made, so that a chain from training to tracing stays where it began; then the order of the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from uqs.studies.jobs import Job, Kind

# Typical cost of a job against that of measuring; orders the work, changes no result.
COST: Mapping[Kind, int] = {
    "base": 1,
    "train": 20,
    "unlearn": 6,
    "alter": 6,
    "trace": 3,
    "gates": 1,
    "cross": 2,
    "measure": 1,
    "trial": 7,
}


class Schedule:
    """What is ready, waiting, and out of reach among `jobs`, which come after what they read.

    `done` gives the jobs that exist already, with the reason why nothing may be made from them, or None.
    """

    def __init__(self, jobs: Sequence[Job], done: Mapping[str, str | None]) -> None:
        self._readers: dict[str, list[Job]] = {job.key: [] for job in jobs}
        for job in jobs:
            for key in sorted(job.sources):
                self._readers[key].append(job)
        self._weight: dict[str, int] = {}
        for job in reversed(jobs):
            chain = max((self._weight[reader.key] for reader in self._readers[job.key]), default=0)
            self._weight[job.key] = COST[job.kind] + chain
        self._order = {job.key: place for place, job in enumerate(jobs)}
        self._todo = {job.key: job for job in jobs if job.key not in done}
        self._missing = {
            key: {source for source in job.sources if source in self._todo}
            for key, job in self._todo.items()
        }
        for key, stop in done.items():
            if stop is not None:
                self._skip_made_from(key)

    @property
    def remaining(self) -> Sequence[Job]:
        """The jobs that are still to be taken, skipped ones left out."""
        return list(self._todo.values())

    def ready(self, own: Set[str] = frozenset()) -> list[Job]:
        """What can be made now, the next job first, for a worker that made the jobs `own`."""
        return sorted(self._ready(), key=lambda job: self._rank(job, own))

    def take(self, own: Set[str] = frozenset()) -> Job | None:
        """The next job to make, as `ready` orders them, or None where none is ready."""
        first = min(self._ready(), key=lambda job: self._rank(job, own), default=None)
        return None if first is None else self._todo.pop(first.key)

    def _ready(self) -> list[Job]:
        return [job for key, job in self._todo.items() if not self._missing[key]]

    def _rank(self, job: Job, own: Set[str]) -> tuple[int, int, int]:
        held = sum(key in own for key in job.inputs.values())
        return (-self._weight[job.key], -held, self._order[job.key])

    def put_back(self, job: Job) -> None:
        """A taken job was not made: it is to be taken again."""
        self._todo[job.key] = job

    def finish(self, key: str, stop: str | None) -> list[Job]:
        """A job was made, here or elsewhere; returns what is skipped because of its `stop`."""
        self._todo.pop(key, None)
        for missing in self._missing.values():
            missing.discard(key)
        return [] if stop is None else self._skip_made_from(key)

    def _skip_made_from(self, key: str) -> list[Job]:
        """Skip what is made from a job that says stop; a measure job that reads the verdict is not."""
        skipped = []
        for reader in self._readers[key]:
            if reader.kind != "measure":
                skipped += self._skip(reader)
        return skipped

    def _skip(self, job: Job) -> list[Job]:
        """Skip a job and all that reads it."""
        if not self._todo.pop(job.key, None):
            return []
        skipped = [job]
        for reader in self._readers[job.key]:
            skipped += self._skip(reader)
        return skipped
