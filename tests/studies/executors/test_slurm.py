"""Workers that choose their jobs themselves make what local processes make. submitit's local executor starts
them as processes, with the files and signals that it uses under Slurm."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from uqs.errors import UserError
from uqs.studies.executors.joined import Failures, take_one
from uqs.studies.jobs import Job
from uqs.studies.schedule import Schedule
from uqs.studies.store import DRIVER, Store
from uqs.studies.worker import JobFailure

if TYPE_CHECKING:
    from conftest import Bench

pytest.importorskip("submitit")


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The workers find the toy's module."""
    further = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", f"{Path(__file__).parents[1]}{os.pathsep}{further}")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_workers_make_what_local_processes_make_though_some_are_killed(
    new_bench: Callable[[], Bench],
) -> None:
    local, bench = new_bench(), new_bench()
    local.run(workers=1)
    bench.rules({"unlearn mmubench:tiny salun@weak seed 7": "die 1"})
    printed = bench.run(slurm=True)
    plan = bench.toy.plan()
    (killed,) = [one for one in plan.jobs if one.label == "unlearn mmubench:tiny salun@weak seed 7"]
    assert bench.begun() == local.begun() + Counter([killed.key])
    assert bench.jobs() == local.jobs()
    assert bench.table() == local.table()
    told = [line for line in printed.splitlines() if line.startswith("[")]
    assert len(told) == len(plan.jobs)
    assert f"[{len(plan.jobs)}/{len(plan.jobs)}]" in told[-1]
    assert not list((bench.store / "leases").iterdir())
    assert not any(alive(pid) for pid in bench.pids())


def test_what_fails_is_told_and_nothing_further_begins(bench: Bench) -> None:
    bench.rules({"train mmubench": "user"})
    with pytest.raises(UserError, match=r"job 'train mmubench:tiny .*' failed: lower lr \(0\.1\)"):
        bench.run(slurm=True, workers=1)
    begun = bench.begun()
    assert Counter(job.kind for job in bench.toy.plan().jobs if begun[job.key]) == {
        "base": 1,
        "train": 1,
    }


def test_a_job_at_which_three_workers_died_is_a_failure(tmp_path: Path) -> None:
    store, job = Store(tmp_path / "run"), Job("base", "base toy", {"model": "toy"}, {})
    with store.lock():
        lease = store.leases.claim(job.key)
        assert lease is not None
        died = lease.file.read_bytes()
        lease.release()
        lease.file.with_suffix(".3").write_bytes(died)  # of this host, and locked by nobody
        failures = Failures.of(store)
        assert take_one(store, Schedule([job], {}), failures, set(), "toy:run")
        assert failures.read() == {
            job.key: JobFailure("base toy", "3 workers died at it", "", users=False)
        }
        assert not store.made()
        assert store.leases.names() == {DRIVER}


def test_workers_end_by_themselves_if_the_run_is_killed(bench: Bench) -> None:
    bench.rules({"train": "sleep 1"})
    running = bench.begin(workers=1, slurm=True)
    wait_for(lambda: len(bench.begun()) >= 2)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    wait_for(lambda: not any(alive(pid) for pid in bench.pids()))
    begun = sum(bench.begun().values())
    bench.rules({})
    bench.run(workers=1)
    assert set(bench.begun().values()) == {1}  # what they were at was finished
    assert begun < len(bench.toy.plan().jobs)
