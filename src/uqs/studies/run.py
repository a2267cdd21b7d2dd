"""A study from its file to its results table."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rich.console import Console

from uqs import benchmarks, io
from uqs.benchmarks.limit import with_limit
from uqs.errors import DataError, UserError
from uqs.progress import Display, stderr_console
from uqs.records import Benchmark
from uqs.results.notes import write_notes
from uqs.studies.arithmetic import available
from uqs.studies.base import find_base, hash_of, notes
from uqs.studies.changes import changes
from uqs.studies.collect import collect
from uqs.studies.executors.base import DEFAULT_WORK, TRIALS, Device, WorkerSettings
from uqs.studies.executors.choose import ExecutorOptions, Name, check_options, executor_of
from uqs.studies.jobs import Job
from uqs.studies.plan import Plan, make_plan
from uqs.studies.progress import Forecast, Progress
from uqs.studies.replay import replay_hash
from uqs.studies.schedule import Schedule
from uqs.studies.spec import Study, dump_study, read_study
from uqs.studies.store import Manifest, Store
from uqs.studies.worker import JobFailure
from uqs.training_extra import require_training_extra

NO_AVX2 = (
    "this processor does not have AVX2, or does not say so: the study is computed with what it has; in "
    "the last bits, and with them in some figures, it differs from other machines"
)


NOT_HERE = "not here"
"""Instead of the hash of a base that was not fetched."""


class JobFailedError(Exception):
    """A job failed through a fault that the user cannot mend."""


@dataclass(frozen=True)
class RunOptions:
    """How a study is run. Three options change a result: `limit` asks for a part of the data; `native`
    computes with all that the processor has, and `device` says where, instead of the study's `device`, which
    both change the last bits."""

    runs: Path = Path("runs")
    workers: int | None = None
    plain: bool = False
    work: str = DEFAULT_WORK
    limit: int | None = None
    native: bool = False
    device: Device | None = None
    executor: Name = "local"
    per_device: int = 1
    slurm: Path | None = None

    @property
    def executor_options(self) -> ExecutorOptions:
        return ExecutorOptions(self.executor, self.workers, self.per_device, self.slurm)


def plan_study(
    path: Path,
    limit: int | None = None,
    native: bool = False,
    device: Device | None = None,
    *,
    fetch: bool = True,
) -> Plan:
    """Read the study file and its data, check both, and plan the jobs; with `limit` entities a split.

    Without `fetch` a base of the hub that is not here is not asked for, and not checked. The plan's study
    says which arithmetic this machine can do.
    """
    return _planned(read_study(path), limit, native, device, fetch=fetch)


def _planned(
    study: Study, limit: int | None, native: bool, device: Device | None, *, fetch: bool = True
) -> Plan:
    study = as_asked(study, limit, native, device)
    return plan_on_data(study, load_data(study), fetch=fetch)


def as_asked(study: Study, limit: int | None, native: bool, device: Device | None) -> Study:
    """The study as it is computed (`computed`), with `limit` entities a split."""
    study = computed(study, native, device)
    if limit is None:
        return study
    parts = tuple(with_limit(name, limit) for name in study.benchmarks)
    update = {"benchmarks": parts, "name": f"{study.name}-limit{limit}"}
    return study.model_copy(update=update)


def load_data(study: Study) -> dict[str, Benchmark]:
    """The benchmarks of a study, read and checked, by the name that it gives them."""
    with Display() as display:
        return {name: benchmarks.load(name, display=display) for name in study.benchmarks}


def plan_on_data(study: Study, data: Mapping[str, Benchmark], *, fetch: bool = True) -> Plan:
    """The plan of a study on its data, and on its base, whose files are checked."""
    hashes = {name: one.data_hash for name, one in data.items()}
    notes = {name: one.notes for name, one in data.items()}
    return replace(plan_on_base(study, hashes, fetch=fetch), notes=notes)


def computed(study: Study, native: bool, device: Device | None) -> Study:
    """The study as it is computed: with what this machine can do, and what the user asked for instead."""
    arithmetic = "native" if native else available(study.arithmetic)
    return study.model_copy(update={"arithmetic": arithmetic, "device": device or study.device})


def plan_on_base(study: Study, hashes: Mapping[str, str], *, fetch: bool = True) -> Plan:
    """The plan of a study on its base, whose files are checked; `hashes` are those of its data."""
    model = study.model
    folder = find_base(model, fetch=fetch)
    return make_plan(
        study,
        hashes,
        NOT_HERE if folder is None else hash_of(model, folder),
        source="" if model.path is None else str(folder),
        replay="" if model.replay is None else replay_hash(Path(model.replay)),
    )


def run_study(path: Path, options: RunOptions = RunOptions()) -> Path:
    """Make every job that is missing, then the results table; returns the run folder.

    Raises UserError for what the user can mend and JobFailedError for a fault; what is made by then stays.
    Workers are spawned, so a script calls this under `if __name__ == "__main__"`.
    """
    console = stderr_console()
    study = read_study(path)
    check_options(options.executor_options, options.device or study.device)
    plan = _planned(study, options.limit, options.native, options.device)
    if not options.native and study.arithmetic != plan.study.arithmetic:
        console.print(NO_AVX2, markup=False, highlight=False, soft_wrap=True)
    return run_plan(plan, options, console)


def run_plan(plan: Plan, options: RunOptions, console: Console) -> Path:
    """`run_study` from a plan."""
    for line in data_notes(plan):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    store = Store(options.runs / plan.study.name)
    with store.lock(partial(console.print, markup=False, highlight=False, soft_wrap=True)):
        store.clean()
        io.write_text(store.run / "study.yaml", dump_study(plan.study))
        for line in notes(plan.study.model):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        make_jobs(plan.study, plan.jobs, store, options, console)
        assumptions = [f"assumed: {line}" for line in assumed(plan, store)]
        for line in assumptions:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        for problem in collect(plan, store):
            console.print(f"not measured: {problem}", markup=False, soft_wrap=True)
        write_notes(store.run, [*notes(plan.study.model), *assumptions, *data_notes(plan)])
    return store.run


def data_notes(plan: Plan) -> list[str]:
    """What the loaders of a plan's benchmarks noted."""
    return [f"{name}: {line}" for name, lines in plan.notes.items() for line in lines]


def assumed(plan: Plan, store: Store) -> list[str]:
    """What was assumed about a base of no declared family, as the jobs that trained it recorded."""
    trained = [store.manifest(job.key) for job in plan.jobs if job.kind == "train"]
    found = [line for one in trained if one for line in one.outcome.get("assumed", ())]
    return list(dict.fromkeys(found))


def make_jobs(
    study: Study, jobs: Sequence[Job], store: Store, options: RunOptions, console: Console
) -> None:
    """Make the jobs that are missing, in a store that is locked; errors as those of `run_study`."""
    made = _finished(jobs, store, console)
    for line in changes(jobs, made, store):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    schedule = Schedule(jobs, {key: manifest.stop for key, manifest in made.items()})
    todo = len(schedule.remaining)
    console.print(f"{store.run.name}: {len(made)} jobs exist, {todo} to make", highlight=False)
    if not todo:
        return
    if options.work in (DEFAULT_WORK, TRIALS):
        require_training_extra("training")
    settings = WorkerSettings(options.work, study.arithmetic, study.device)
    executor = executor_of(options.executor_options, settings, jobs)
    forecast = Forecast(executor.workers, schedule.remaining)
    for manifest in made.values():
        forecast.learn(manifest.kind, manifest.seconds)
    with Display(options.plain, console) as display:
        progress = Progress(display, forecast, len(made), schedule.remaining)
        failures = executor.run(schedule, store, progress)
    if failures:
        raise _reported(failures, store)


def _finished(jobs: Sequence[Job], store: Store, console: Console) -> dict[str, Manifest]:
    """The jobs that exist; damaged ones are reported and removed."""
    made = {}
    for job in jobs:
        try:
            manifest = store.manifest(job.key)
        except DataError as error:
            console.print(
                f"damaged, made again: {job.label} ({error})", markup=False, soft_wrap=True
            )
            store.discard(job.key)
            continue
        if manifest is not None:
            made[job.key] = manifest
    return made


def _reported(failures: list[JobFailure], store: Store) -> Exception:
    log = store.run / "log.txt"
    with log.open("a", encoding="utf-8") as handle:
        for failed in failures:
            stamp = time.strftime("%Y-%m-%d %H:%M:%S")
            handle.write(f"{stamp} {failed.label}: {failed.message}\n{failed.trace}\n")
    first = failures[0]
    if first.users:
        return UserError(f"job '{first.label}' failed: {first.message}")
    return JobFailedError(f"job '{first.label}' failed: {first.message}; details are in {log}")
