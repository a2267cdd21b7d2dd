"""What a person sees while a study runs: the jobs done, the time left, and what runs now."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import fmean

from uqs.progress import Display
from uqs.studies.jobs import Job, Kind
from uqs.text import clock


class Forecast:
    """Time left, from the seconds that jobs of the same kind took."""

    def __init__(self, workers: int, waiting: Sequence[Job]) -> None:
        self._workers = workers
        self._waiting = Counter(job.kind for job in waiting)
        self._seconds: defaultdict[Kind, list[float]] = defaultdict(list)

    def learn(self, kind: Kind, seconds: float) -> None:
        """A job of this kind took so long."""
        self._seconds[kind].append(seconds)

    def drop(self, kind: Kind) -> None:
        """A job of this kind is no longer waited for."""
        self._waiting[kind] -= 1

    def seconds_left(self) -> float | None:
        """None while a kind that is waited for was never seen."""
        waiting = +self._waiting
        if any(kind not in self._seconds for kind in waiting):
            return None
        return sum(n * fmean(self._seconds[kind]) for kind, n in waiting.items()) / self._workers


class Progress:
    """Told of everything that happens to jobs: a bar with what runs now, or a line a job."""

    def __init__(
        self, display: Display, forecast: Forecast, done: int, waiting: Sequence[Job]
    ) -> None:
        self.display, self.forecast = display, forecast
        self.done, self.total = done, done + len(waiting)
        self.running: dict[str, str] = {}
        self._begun = time.monotonic()

    def began(self, job: Job) -> None:
        """A worker took the job."""
        self.running[job.key] = job.label
        self._update()

    def made(self, job: Job, seconds: float) -> None:
        """The job is in the store."""
        del self.running[job.key]
        self.done += 1
        self.forecast.drop(job.kind)
        self.forecast.learn(job.kind, seconds)
        if not self.display.bars:
            self._line_of(job)
        self._update()

    def failed(self, job: Job) -> None:
        """The job could not be made."""
        del self.running[job.key]
        self.display.line(f"failed: {job.label}")
        self._update()

    def lost(self, job: Job, why: str) -> None:
        """The job's worker died, and the job waits for another."""
        del self.running[job.key]
        self.display.line(f"begun again: {job.label} (its worker {why})")
        self._update()

    def stopped(self, job: Job, reason: str, skipped: Sequence[Job]) -> None:
        """What would be made from the job is skipped."""
        self.total -= len(skipped)
        for other in skipped:
            self.forecast.drop(other.kind)
        self.display.line(f"{job.label}: {reason}; {len(skipped)} jobs are skipped")
        self._update()

    def _left(self) -> str:
        """Time left in words, empty while unknown."""
        seconds = self.forecast.seconds_left()
        return "" if seconds is None or self.done == self.total else f"{clock(seconds)} left"

    def _line_of(self, job: Job) -> None:
        width = len(str(self.total))
        left = self._left()
        self.display.line(
            f"[{self.done:{width}}/{self.total}] {clock(time.monotonic() - self._begun)} {job.label}"
            + (f" ({left})" if left else "")
        )

    def _update(self) -> None:
        now = " | ".join(self.running.values())
        self.display.show("", self.done, self.total, now=now, left=self._left())
