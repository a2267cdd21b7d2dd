"""A study killed at random moments gives the same tables and reports as an undisturbed one, bit for bit.

    python perf/kills.py > perf/kills.md

The study is real and small: one benchmark, from training to the board. Each disturbed study gets KILLS times
SIGKILL to its whole process group, then is left to end. A kill comes after some more jobs were made, 0 to 3,
and a delay of up to twice what a job takes in an undisturbed study, both drawn at random; the last kill comes
once all jobs are made, while tables and reports are written. `seconds`, a column of the results that tells
how long a model took, is left out of the comparison.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq

from uqs.io import PART
from uqs.studies.run import plan_study

STUDIES = 2
KILLS = 10
STUDY = """
name: kills
benchmarks: [unlok_vqa:tiny]
model: {name: tiny_llava, adapter: {kind: lora, r: 16, alpha: 32, targets: language.all+projector}}
training: {criterion: 0.9, check_every: 10, max_steps: 20, lr: 4.0e-3, batch_size: 8, replay: 0.3}
originals: shared
oracles: {seeds: [0, 1]}
references: {shares: [0.5], seeds: [0]}
methods: [{name: gradient_ascent, steps: 5, lr: 3.0e-4}, {name: finetune_retain, steps: 5, lr: 3.0e-4}]
seeds: [1]
gates: {accuracy: 0, entities: 1, share: 1} # trained for so short a time that nothing else passes
"""
ENTITIES = 4
FILES = ("items.parquet", "gates.json", "report/analysis.json", "board/index.html")
COMMAND = "from uqs.cli import main; main()"
TABLES = "tables and reports"


class Run:
    """The study in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.file = folder / "kills.yaml"
        self.file.write_text(STUDY)
        self.runs = folder / "runs"
        plan = plan_study(self.file, ENTITIES)
        self.out = self.runs / plan.study.name
        self.kinds = {job.key: job.kind for job in plan.jobs}

    def begin(self) -> subprocess.Popen[str]:
        """Start the study, or go on with it, in a process group of its own."""
        words = ["run", self.file, "--limit", ENTITIES, "--runs", self.runs, "--plain"]
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def made(self) -> int:
        return sum((self.out / "jobs" / key).is_dir() for key in self.kinds)

    def has_made(self, jobs: int) -> bool:
        return self.made() >= jobs

    def all_made(self) -> bool:
        return self.has_made(len(self.kinds))

    def doing(self) -> str:
        """The kinds of the jobs that are just being made."""
        parts = [path.name for path in self.out.glob(f"jobs/{PART}*")]
        kinds = {kind for key, kind in self.kinds.items() if any(key in part for part in parts)}
        return TABLES if self.all_made() else " and ".join(sorted(kinds)) or "between jobs"

    def results(self) -> dict[str, str]:
        """Each table and report by the hash of its content."""
        found = {name: sha256((self.out / name).read_bytes()).hexdigest() for name in FILES}
        table = pq.read_table(self.out / "results.parquet").drop_columns(["seconds"])
        rows = json.dumps(table.to_pylist()).encode()  # floats in full
        return found | {"results.parquet": sha256(rows).hexdigest()}


def wait_for(true: Callable[[], bool], running: subprocess.Popen[str]) -> None:
    while running.poll() is None and not true():
        time.sleep(0.02)


def ended(running: subprocess.Popen[str]) -> None:
    said, _ = running.communicate()
    if running.returncode:
        raise SystemExit(said)


def undisturbed(one: Run) -> tuple[float, float]:
    """Seconds until all jobs are made, and from there to the end."""
    start = time.monotonic()
    running = one.begin()
    wait_for(one.all_made, running)
    jobs = time.monotonic()
    ended(running)
    return jobs - start, time.monotonic() - jobs


def disturbed(one: Run, job: float, tables: float, draw: random.Random) -> Iterator[str]:
    """Kill it KILLS times, then let it end; what it was doing at each kill."""
    kills = 0
    while kills < KILLS:
        running = one.begin()
        more = len(one.kinds) if kills == KILLS - 1 else draw.randrange(4)
        enough = min(one.made() + more, len(one.kinds))
        wait_for(partial(one.has_made, enough), running)
        delay = draw.uniform(0, tables if one.all_made() else 2 * job)
        with suppress(subprocess.TimeoutExpired):
            running.wait(delay)
        doing, made = one.doing(), one.made()
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
            kills += 1
            yield f"{doing} | {made} of {len(one.kinds)}"
        running.communicate()
    ended(one.begin())


def main() -> None:
    draw = random.Random(0)  # noqa: S311 (moments, not secrets)
    equal = 0
    with TemporaryDirectory() as folder:
        one = Run(Path(folder) / "undisturbed")
        jobs, tables = undisturbed(one)
        print(
            f"# Killed and resumed\n\n{str(__doc__).split(chr(10) * 2, 2)[2].strip()}\n\n"
            f"Undisturbed: {len(one.kinds)} jobs in {jobs:.0f} s, tables and reports in {tables:.0f} s.\n\n"
            "| study | kill | what was being made | jobs made by then |\n|---|---|---|---|"
        )
        for study in range(1, STUDIES + 1):
            other = Run(Path(folder) / str(study))
            kills = disturbed(other, jobs / len(one.kinds), tables, draw)
            for kill, line in enumerate(kills, start=1):
                print(f"| {study} | {kill} | {line} |", flush=True)
            differ = [k for k, v in one.results().items() if other.results()[k] != v]
            equal += not differ
            if differ:
                print(f"| {study} | | **differ: {', '.join(differ)}** | |", flush=True)
    print(
        f"\n{equal} of {STUDIES} studies, {STUDIES * KILLS} kills: same tables and reports, bit for bit."
    )
    sys.exit(equal < STUDIES)


if __name__ == "__main__":
    main()
