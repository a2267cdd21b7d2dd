"""Time, disk and memory of a study from its plan, what exists already, and what its base costs."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from uqs.errors import DataError
from uqs.studies.estimate.amounts import Amount, Questions, amount
from uqs.studies.estimate.costs import BaseCosts
from uqs.studies.estimate.ranges import NONE, Range, largest, total
from uqs.studies.jobs import Job, Kind
from uqs.studies.plan import Plan
from uqs.studies.schedule import Schedule
from uqs.studies.store import Store

REFERENCES = 10
"""Traces that a measuring worker holds at a time: 8 of other models, the model's own, and a copy."""
HASHED = Range(0.2e9, 1.0e9)
"""Bytes a second of a trace that is written and hashed, or read and hashed (assumed, not timed)."""
GATES = 0.5
"""Judging all trained models, in measurings of one model for each of them."""


@dataclass(frozen=True)
class OfKind:
    """Jobs of a kind: how many exist and are still to be made, and of the latter the seconds of all together,
    the bytes on disk, and the bytes that a worker holds at the most."""

    kind: Kind
    exist: int
    to_make: int
    seconds: Range
    disk: Range
    memory: Range


@dataclass(frozen=True)
class Estimate:
    """`seconds`: work of all jobs and starts of workers; `wall`: from beginning to end with `workers`."""

    study: str
    how: tuple[str, ...]
    device: str
    workers: int
    kinds: tuple[OfKind, ...]
    wall: Range

    @property
    def exist(self) -> int:
        return sum(one.exist for one in self.kinds)

    @property
    def to_make(self) -> int:
        return sum(one.to_make for one in self.kinds)

    @property
    def seconds(self) -> Range:
        return total(one.seconds for one in self.kinds)

    @property
    def disk(self) -> Range:
        return total(one.disk for one in self.kinds)

    @property
    def memory(self) -> Range:
        """Of one worker."""
        return largest(one.memory for one in self.kinds)


def estimate(
    plan: Plan,
    questions: Mapping[str, Questions],
    costs: BaseCosts,
    runs: Path,
    workers: int,
) -> Estimate:
    """What is still to be made of a plan; nothing is written."""
    made = existing(plan.jobs, Store(runs / plan.study.name))
    todo = Schedule(plan.jobs, made).remaining
    measures = {model.measure: model.benchmark for model in plan.models}
    about = {job.key: job.params.get("benchmark", measures.get(job.key)) for job in todo}
    amounts = {
        job.key: amount(job, questions[name]) if (name := about[job.key]) else Amount()
        for job in todo
    }
    seconds = {}
    for job in todo:
        name = about[job.key]
        number = questions[name].number if name else 0
        seconds[job.key] = _seconds(job, name, number, amounts[job.key], costs)
    kinds = []
    for kind in dict.fromkeys(job.kind for job in plan.jobs):
        own = [job for job in todo if job.kind == kind]
        kinds.append(
            OfKind(
                kind,
                exist=sum(job.kind == kind and job.key in made for job in plan.jobs),
                to_make=len(own),
                seconds=total(seconds[job.key] for job in own),
                disk=total(_disk(job, amounts[job.key], costs) for job in own),
                memory=_memory(own, questions, costs),
            )
        )
    ends = (
        _makespan(plan.jobs, made, {key: one.low for key, one in seconds.items()}, workers),
        _makespan(plan.jobs, made, {key: one.high for key, one in seconds.items()}, workers),
    )
    wall = Range(min(ends), max(ends)) + (costs.start if todo else NONE)
    return Estimate(plan.study.name, costs.how, costs.device, workers, tuple(kinds), wall)


def existing(jobs: Sequence[Job], store: Store) -> dict[str, str | None]:
    """The jobs that a store holds undamaged, with the reason why nothing may be made from them, or None."""
    found: dict[str, str | None] = {}
    for job in jobs:
        try:
            manifest = store.manifest(job.key)
        except DataError:  # `uqs run` makes it again
            continue
        if manifest is not None:
            found[job.key] = manifest.stop
    return found


def _seconds(
    job: Job, benchmark: str | None, questions: int, work: Amount, costs: BaseCosts
) -> Range:
    if benchmark is None:
        return NONE
    own = costs.benchmarks[benchmark]
    trace = own.trace_bytes * float(questions)
    if job.kind == "measure":
        return own.measuring + trace.over(HASHED)
    if job.kind == "gates":
        return own.measuring * (GATES * len(job.inputs))
    return own.seconds(work, costs.load) + (work.traced * own.trace_bytes).over(HASHED)


def _disk(job: Job, work: Amount, costs: BaseCosts) -> Range:
    if job.kind == "base":
        return costs.base
    if work.checkpoint:
        return Range.exactly(costs.checkpoint)
    if job.kind in ("trace", "cross"):
        return work.traced * costs.benchmarks[job.params["benchmark"]].trace_bytes
    return NONE


def _memory(jobs: Sequence[Job], questions: Mapping[str, Questions], costs: BaseCosts) -> Range:
    if not jobs:
        return NONE
    match jobs[0].kind:
        case "train" | "unlearn" | "alter":
            return costs.training_memory
        case "trace" | "cross":
            return costs.tracing_memory
        case "measure":
            traces = (costs.benchmarks[n].trace_bytes * one.number for n, one in questions.items())
            return costs.process + REFERENCES * largest(traces)
    return NONE


def _makespan(
    jobs: Sequence[Job],
    made: Mapping[str, str | None],
    seconds: Mapping[str, float],
    workers: int,
) -> float:
    """When the last job ends, as the workers of a run take jobs."""
    schedule, clock = Schedule(jobs, made), 0.0
    running: list[tuple[float, str]] = []
    while True:
        while len(running) < workers and (job := schedule.take()):
            heapq.heappush(running, (clock + seconds[job.key], job.key))
        if not running:
            return clock
        clock, key = heapq.heappop(running)
        schedule.finish(key, None)
