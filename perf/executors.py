"""One study under every executor, undisturbed and with workers killed: the same tables, bit for bit.

    pip install 'uqs[ray,slurm]'
    python perf/executors.py > perf/executors.md

The study is real and small: one benchmark, from training to the board. It runs with two workers: processes
of this machine, a Ray cluster of two nodes of one core (both on this machine), and the local executor of
submitit, which starts the workers of Slurm as processes. Then, under each, workers are killed KILLS times
with SIGKILL, after a random time of up to what a job takes and whatever they do; only a job at which two
workers died already is spared, because a third death makes it a failure. Compared are tables, reports, and
every file of every job; `seconds`, the one thing that may differ, is left out. A chain stays if the worker
that made a model also traced it, and the one that traced it measured it.

The second table is computed, not run: `studies/tiny.yaml`, whose jobs take what the schedule foresees, by up
to 30% more or less. How many jobs go on where their input was made, with the schedule's preference for such
jobs and without it, and how long the study takes, in units of a measurement.
"""

from __future__ import annotations

import heapq
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq

from uqs.io import PART
from uqs.studies.executors.base import LOSSES
from uqs.studies.jobs import Job
from uqs.studies.run import plan_study
from uqs.studies.schedule import COST, Schedule

KILLS = 10
STUDY = """
name: executors
benchmarks: [unlok_vqa:tiny]
model: {name: tiny_llava, adapter: {kind: lora, r: 16, alpha: 32, targets: language.all+projector}}
training: {criterion: 0.9, check_every: 10, max_steps: 10, lr: 4.0e-3, batch_size: 8, replay: 0.3}
originals: shared
oracles: {seeds: [0, 1]}
trainer: {checks: 1}
methods:
  - {name: gradient_ascent, steps: 5, lr: 3.0e-4, batch_size: 8}
  - {name: finetune_retain, steps: 5, lr: 3.0e-4, batch_size: 8}
seeds: [1]
gates: {accuracy: 0, entities: 1, share: 1} # trained for so short a time that nothing else passes
"""
ENTITIES = 2
FILES = ("items.parquet", "gates.json", "report/analysis.json", "board/index.html")
HEAD = (
    "| executor | kills | jobs that lost their worker | s | chain stays | tables, reports, jobs |\n"
    "|---|---|---|---|---|---|"
)
COMMAND = "from uqs.cli import main; main()"
LINE = re.compile(r"\[ *\d+/\d+\] [\d:]+ (.*?)( \([\d:]+ left\))?")


class Run:
    """The study in a folder of its own, under one executor."""

    def __init__(self, folder: Path, executor: str) -> None:
        folder.mkdir()
        self.file = folder / "executors.yaml"
        self.file.write_text(STUDY)
        slurm = folder / "slurm.yaml"
        slurm.write_text("cluster: local\nworkers: 2\n")
        self.options = {"local": ["--workers", "2"], "slurm": ["--slurm", slurm]}.get(executor, [])
        self.executor, self.runs, self.said = executor, folder / "runs", folder / "said"
        plan = plan_study(self.file, ENTITIES)
        self.out = self.runs / plan.study.name
        self.jobs = {job.key: job for job in plan.jobs}
        self.processes: dict[str, int] = {}

    def begin(self) -> subprocess.Popen[bytes]:
        words = ["run", self.file, "--limit", ENTITIES, "--runs", self.runs, "--plain"]
        words += ["--executor", self.executor, *self.options]
        with self.said.open("w") as said:
            return subprocess.Popen(
                [sys.executable, "-c", COMMAND, *map(str, words)],
                stdout=said,
                stderr=subprocess.STDOUT,
            )

    def at_work(self) -> dict[str, tuple[int, int]]:
        """The process at each job, and how many died at it, as the leases say."""
        found = {}
        for file in self.out.glob("leases/*.*"):
            key, _, number = file.name.rpartition(".")
            with suppress(OSError, ValueError):
                if key in self.jobs:
                    found[key] = (json.loads(file.read_bytes())["process"], int(number) - 1)
        self.processes |= {key: process for key, (process, _) in found.items()}
        return found

    def content(self) -> dict[str, str]:
        """Every table, report and file of a job by the hash of its content."""
        found = {name: sha256((self.out / name).read_bytes()).hexdigest() for name in FILES}
        table = pq.read_table(self.out / "results.parquet").drop_columns(["seconds"])
        found["results.parquet"] = sha256(json.dumps(table.to_pylist()).encode()).hexdigest()
        for file in sorted((self.out / "jobs").rglob("*")):
            if file.is_file():
                content = file.read_bytes()
                if file.name == "manifest.json":
                    content = json.dumps({**json.loads(content), "seconds": None}).encode()
                found[file.relative_to(self.out).as_posix()] = sha256(content).hexdigest()
        return found

    def chains(self) -> tuple[int, int]:
        """Of the jobs that go on from one made before (trace, measure): how many stayed, and how many there
        are; by the processes that were seen at them."""
        pairs = [
            (job.inputs["model" if job.kind == "trace" else "trace"], key)
            for key, job in self.jobs.items()
            if job.kind in ("trace", "measure")
        ]
        seen = [(a, b) for a, b in pairs if a in self.processes and b in self.processes]
        return sum(self.processes[a] == self.processes[b] for a, b in seen), len(seen)


def watched(one: Run, job: float | None) -> list[str]:
    """Let it end, killing workers if `job` is given; the kinds of the jobs that lost theirs."""
    draw = random.Random(0)  # noqa: S311 (moments, not secrets)
    running = one.begin()
    killed: list[str] = []
    dead: set[int] = set()
    due = time.monotonic() + draw.uniform(0, job or 0)
    while running.poll() is None:
        working = one.at_work()
        if job is not None and len(killed) < KILLS and time.monotonic() >= due:
            able = sorted(
                key
                for key, (process, died) in working.items()
                if died < LOSSES - 1 and process not in dead
            )
            if able:
                key = draw.choice(able)
                process = working[key][0]
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                    killed.append(one.jobs[key].kind)
                dead.add(process)
                due = time.monotonic() + draw.uniform(0, job)
        time.sleep(0.05)
    if running.returncode:
        raise SystemExit(one.said.read_text())
    return killed


@contextmanager
def cluster() -> Iterator[None]:
    """A Ray cluster of two nodes of one core, which `uqs run` finds."""
    from ray.cluster_utils import Cluster

    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    found.add_node(num_cpus=1)
    os.environ["RAY_ADDRESS"] = found.address
    try:
        yield
    finally:
        del os.environ["RAY_ADDRESS"]
        found.shutdown()


def faults(one: Run, truth: Mapping[str, str]) -> list[str]:
    """What is not as in the undisturbed study."""
    content = one.content()
    found = sorted(
        name for name in truth.keys() | content.keys() if truth.get(name) != content.get(name)
    )
    told = [
        match[1] for line in one.said.read_text().splitlines() if (match := LINE.fullmatch(line))
    ]
    labels = sorted(job.label for job in one.jobs.values())
    if sorted(told) != labels:
        found.append("a job was made twice, or not told")
    left = [*one.out.glob(f"jobs/{PART}*"), *one.out.glob("leases/*")]
    return found + [f"{path.name} is left" for path in left]


def measured(one: Run, truth: dict[str, str], job: float | None = None) -> tuple[float, bool]:
    """Run it, with kills where `job`, what a job takes, is given, and print a line; the seconds, and whether
    all is as `truth`, which the first run fills."""
    start = time.monotonic()
    killed = watched(one, job)
    seconds = time.monotonic() - start
    truth |= {} if truth else one.content()
    found = faults(one, truth)
    stayed, of = one.chains()
    print(
        f"| {one.executor} | {len(killed)} | {', '.join(killed) or 'none'} | {seconds:.0f} | "
        f"{stayed} of {of} | {'; '.join(found[:3]) or 'the same'} |",
        flush=True,
    )
    return seconds, not found


def both(folder: Path, executor: str, truth: dict[str, str]) -> bool:
    """Undisturbed, then with kills; whether both are as `truth`."""
    one = Run(folder / executor, executor)
    seconds, same = measured(one, truth)
    disturbed = Run(folder / f"{executor}_killed", executor)
    return measured(disturbed, truth, seconds / len(one.jobs))[1] and same


def foreseen(jobs: Sequence[Job], workers: int, *, prefer: bool) -> str:
    """The share of chains that stay, and the time, as cells."""
    draw = random.Random(1)  # noqa: S311 (durations, not secrets)
    schedule, own, by = Schedule(jobs, {}), [set[str]() for _ in range(workers)], dict[str, int]()
    now, idle, running = 0.0, list(range(workers)), list[tuple[float, str, int]]()
    while True:
        while idle and (job := schedule.take(own[idle[0]] if prefer else set())):
            end = now + COST[job.kind] * draw.uniform(0.7, 1.3)
            heapq.heappush(running, (end, job.key, idle.pop(0)))
        if not running:
            break
        now, key, worker = heapq.heappop(running)
        by[key] = worker
        own[worker].add(key)
        schedule.finish(key, None)
        idle = sorted([*idle, worker])
    cells = []
    for kind, role in (("unlearn", "original"), ("trace", "model"), ("measure", "trace")):
        stayed = [by[job.key] == by[job.inputs[role]] for job in jobs if job.kind == kind]
        cells.append(f"{sum(stayed)} of {len(stayed)}")
    return " | ".join([*cells, f"{now:.1f}"])


def print_foreseen() -> None:
    jobs = plan_study(Path("studies/tiny.yaml")).jobs
    print(
        "\n| workers | preference | unlearn | trace | measure | time |\n|---|---|---|---|---|---|"
    )
    for workers in (2, 4, 8):
        for prefer in (True, False):
            cells = foreseen(jobs, workers, prefer=prefer)
            print(f"| {workers} | {'yes' if prefer else 'no'} | {cells} |")


def main() -> None:
    print(f"# Executors\n\n{str(__doc__).split(chr(10) * 2, 2)[2].strip()}\n")
    truth: dict[str, str] = {}
    with TemporaryDirectory() as place:
        folder = Path(place)
        jobs = len(Run(folder / "plan", "local").jobs)
        print(f"{jobs} jobs, {os.cpu_count()} cores.\n\n{HEAD}", flush=True)
        same = [both(folder, name, truth) for name in ("local", "slurm")]
        if find_spec("ray"):
            with cluster():
                same.append(both(folder, "ray", truth))
        else:
            print("\nray is not installed: not run under Ray.")
    print_foreseen()
    sys.exit(not all(same))


if __name__ == "__main__":
    main()
