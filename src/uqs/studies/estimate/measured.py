"""Costs of a base whose files are here: a process like a worker's tries it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np

from uqs.errors import UserError
from uqs.records import Sample
from uqs.studies.arithmetic import environment
from uqs.studies.estimate.amounts import Questions, base_files, replay_of, step_of
from uqs.studies.estimate.costs import BaseCosts
from uqs.studies.estimate.probes import Probe, Probed
from uqs.studies.estimate.ranges import Range
from uqs.studies.executors.base import WorkerSettings
from uqs.studies.jobs import Job
from uqs.studies.plan import Plan
from uqs.studies.spec import Study
from uqs.studies.worker import THREAD_VARIABLES

TRIED = 128
"""Questions that steps are drawn from."""
ASKED = 64
"""Questions of a split that are traced."""
SECONDS = 2.0
"""What each timing may take; a slow base takes as long as a step and a few questions need."""


def measured(plan: Plan, base: Path, questions: Mapping[str, Questions], device: str) -> BaseCosts:
    """Time the base on a device. Raises UserError if it cannot be loaded or does not fit into memory."""
    begin = time.perf_counter()
    found = _probed(plan, base, _probes(plan.jobs, questions), device)
    spent = time.perf_counter() - begin
    linked = plan.study.model.path is not None
    data = max((_bytes(one) for one in questions.values()), default=0)
    return BaseCosts(
        device=device,
        how=(
            f"measured in {spent:.0f} s: the base was loaded, steps of each cost class and questions of each "
            f"split were timed on {device}"
            + (", in processor time of one thread" if device == "cpu" else ""),
        ),
        benchmarks=found.costs,
        load=found.load,
        start=found.start,
        checkpoint=found.checkpoint,
        base=Range(0 if linked else base_files(base), base_files(base)),
        training_memory=Range.exactly(found.training_peak + data),
        tracing_memory=Range.exactly(found.tracing_peak + data),
        process=Range.exactly(found.process_peak + data),
    )


def _probed(plan: Plan, base: Path, probes: Mapping[str, Probe], device: str) -> Probed:
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(1, context, initializer=_end_at_interrupt)
    settings = WorkerSettings(arithmetic=plan.study.arithmetic, device=plan.study.device)
    with environment(settings.environment()), executor as pool:
        try:
            found = pool.submit(_in_process, plan.study, base, probes, device).result()
        except BrokenProcessPool:
            found = "the process that tried the base was killed; was memory short?"
    if isinstance(found, str):
        raise UserError(found)
    return found


def _end_at_interrupt() -> None:
    """Ctrl-C ends the process at once and without a word."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _in_process(study: Study, base: Path, probes: Mapping[str, Probe], device: str) -> Probed | str:
    """`probe`, with torch imported under one thread. What the user can mend comes back in words, for not
    every error can be sent between processes."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    from uqs.studies.estimate.probe import probe

    try:
        return probe(study, base, probes, device)
    except UserError as error:
        return str(error)
    except (
        MemoryError,
        RuntimeError,
    ) as error:  # torch has an error of its own for a GPU's memory alone
        if isinstance(error, MemoryError) or "memory" in str(error):
            return f"the base does not fit into the memory of {device} as the study trains and traces it"
        raise


def _probes(jobs: Iterable[Job], questions: Mapping[str, Questions]) -> dict[str, Probe]:
    own: dict[str, list[Job]] = {name: [] for name in questions}
    for job in jobs:
        if "benchmark" in job.params:
            own[job.params["benchmark"]].append(job)
    found = {}
    for name, one in questions.items():
        trained = [job for job in own[name] if job.kind == "train"]
        steps = dict.fromkeys(filter(None, map(step_of, own[name])))
        learn = [sample for split in one.data.learn.values() for sample in split.samples]
        found[name] = Probe(
            learn=some(learn, TRIED),
            replay=some(replay_of(trained[0]), TRIED) if trained else (),
            asked={split: some(part.samples, ASKED) for split, part in one.asked.items()},
            sizes={split: len(part) for split, part in one.asked.items()},
            steps=tuple(steps),
            seconds=SECONDS,
        )
    return found


def some(samples: Sequence[Sample], number: int) -> tuple[Sample, ...]:
    """At most so many, drawn at random."""
    order = np.random.default_rng(0).permutation(len(samples))[:number]
    return tuple(samples[i] for i in order)


def _bytes(one: Questions) -> int:
    """Bytes of the pictures of a benchmark in memory."""
    splits = [*one.data.learn.values(), *one.asked.values()]
    held = {id(s.picture): s.picture for split in splits for s in split.samples if s.picture}
    return sum(len(picture.data) for picture in held.values())
