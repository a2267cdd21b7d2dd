"""A study that is killed, disturbed or damaged ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from uqs import computation, results
from uqs.errors import UserError
from uqs.studies.plan import make_plan
from uqs.studies.run import JobFailedError
from uqs.studies.spec import Gates

if TYPE_CHECKING:
    from conftest import Bench


OWN = computation.CODE["measuring"]


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_study_runs_once(bench: Bench) -> None:
    printed = bench.run()
    plan = bench.toy.plan()
    assert set(bench.begun()) == {job.key for job in plan.jobs}
    assert f"[{len(plan.jobs)}/{len(plan.jobs)}]" in printed
    table = (bench.store / "results.parquet").read_bytes()
    assert bench.run().count("\n") == 1
    assert set(bench.begun().values()) == {1}
    assert (bench.store / "results.parquet").read_bytes() == table
    noted = bench.run(replace(plan, notes={"toy": ("12 pairs left out",)}))
    assert noted.startswith("toy: 12 pairs left out\n")


def test_what_is_made_again_is_said_first_and_is_what_depends_on_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.run()
    plan = bench.toy.plan()
    kinds = {job.key: job.kind for job in plan.jobs}
    monkeypatch.setitem(computation.CODE, "measuring", 99)  # type: ignore[arg-type]
    measured = bench.toy.plan()
    again = [job for job in measured.jobs if job.key not in kinds]
    assert {job.kind for job in again} == {"measure"}
    printed = bench.run(measured)
    number = len(again)
    assert f"made again: {number} measure (code of measuring: {OWN} -> 99)" in printed
    assert printed.index("made again") < printed.index("to make")
    assert sum(bench.begun().values()) == len(plan.jobs) + number

    traces = plan.study.traces.model_copy(update={"max_new_tokens": 9})
    longer = make_plan(plan.study.model_copy(update={"traces": traces}), plan.data_hashes, "base")
    printed = bench.run(longer)
    count = Counter(job.kind for job in longer.jobs)
    assert f"{count['trace']} trace (traces.max_new_tokens: 32 -> 9)" in printed
    begun = {job.kind for job in longer.jobs if job.key not in kinds}
    assert begun == {"trace", "gates", "measure"}


def test_the_table_holds_every_measurement(bench: Bench) -> None:
    bench.run()
    rows = results.read(bench.store / "results.parquet")
    plan = bench.toy.plan()
    per_model = {"original": 3, "oracle": 2, "unlearned": 3}
    assert len(rows) == sum(per_model[model.role] for model in plan.models)
    for row in rows:
        manifest = json.loads(
            (bench.store / "jobs" / row.config_hash / "manifest.json").read_text()
        )
        assert manifest["kind"] == ("unlearn" if row.role == "unlearned" else "train")
        assert manifest["params"]["seed"] == row.seed
        assert row.seconds >= manifest["seconds"] > 0
        assert (row.oracle_seed is None) == (row.metric == "FA")
    assert {row.method for row in rows} == {"original", "retrain", "salun"}
    assert {row.strength for row in rows if row.role == "unlearned"} == {"", "weak"}


def test_one_worker_or_three_make_the_same(new_bench: Callable[[], Bench]) -> None:
    one, three = new_bench(), new_bench()
    one.run(workers=1)
    three.run(workers=3)
    assert len(one.pids()) == 1
    assert len(three.pids()) == 3
    assert one.jobs() == three.jobs()
    assert one.table() == three.table()


def test_killed_at_any_moment_it_goes_on(new_bench: Callable[[], Bench]) -> None:
    undisturbed, bench = new_bench(), new_bench()
    undisturbed.run()
    bench.rules({"a": "sleep 0.02"})
    moments = random.Random(3)
    kills = 0
    for _ in range(4):
        running = bench.begin()
        before = sum(bench.begun().values())
        some = moments.randint(1, 16)
        wait_for(
            lambda target=before + some, process=running: (
                sum(bench.begun().values()) >= target or process.poll() is not None
            )
        )
        time.sleep(moments.random() * 0.03)
        kills += running.poll() is None
        os.kill(running.pid, signal.SIGKILL)
        running.communicate()
    bench.run()
    wait_for(lambda: not any(alive(pid) for pid in bench.pids()))
    assert kills >= 2
    assert sum(bench.begun().values()) <= len(bench.toy.plan().jobs) + 2 * kills
    assert bench.jobs() == undisturbed.jobs()
    assert bench.table() == undisturbed.table()


def test_an_interrupt_ends_it_at_once(bench: Bench) -> None:
    bench.rules({"train": "sleep 60"})
    running = bench.begin()
    wait_for(lambda: len(bench.begun()) == 3)
    begin = time.monotonic()
    os.killpg(running.pid, signal.SIGINT)
    _, printed = running.communicate(timeout=60)
    assert time.monotonic() - begin < 15  # what it interrupts sleeps for 60
    assert running.returncode == 130
    assert "Traceback" not in printed
    assert not any(alive(pid) for pid in bench.pids())
    bench.rules({})
    bench.run()
    assert max(bench.begun().values()) == 2
    assert sorted(bench.begun().values())[-3:] == [1, 2, 2]


def test_two_runs_of_a_study_do_not_meet(bench: Bench) -> None:
    bench.rules({"base": "sleep 60"})
    running = bench.begin()
    wait_for(lambda: len(bench.begun()) == 1)
    with pytest.raises(UserError, match=r"toy is in use by another 'uqs run'"):
        bench.run()
    running.kill()
    running.communicate()


def test_what_the_user_can_mend_is_told(bench: Bench) -> None:
    bench.rules({"unlearn mmubench": "user"})
    with pytest.raises(UserError) as caught:
        bench.run()
    assert str(caught.value).startswith("job 'unlearn mmubench:tiny salun")
    assert str(caught.value).endswith("failed: lower lr (0.1)")
    assert not (bench.store / "results.parquet").exists()
    assert not list((bench.store / "jobs").glob(".part-*"))


def test_a_fault_is_logged_and_the_next_run_goes_on(bench: Bench) -> None:
    bench.rules({"trace unlok_vqa": "bug"})
    with pytest.raises(JobFailedError, match=r"ZeroDivisionError: a fault; details are in .*log"):
        bench.run()
    assert "raise ZeroDivisionError" in (bench.store / "log.txt").read_text()
    bench.rules({})
    bench.run()
    twice = {key for key, times in bench.begun().items() if times > 1}
    kinds = {job.key: job.label for job in bench.toy.plan().jobs}
    assert 1 <= len(twice) <= 2
    assert all(kinds[key].startswith("trace unlok_vqa") for key in twice)


def test_after_a_failure_what_runs_is_finished_and_nothing_begins(bench: Bench) -> None:
    plan = bench.toy.plan()
    first, second = [job for job in plan.jobs if job.kind == "train"][:2]
    bench.rules({first.label: "bug", second.label: "sleep 1"})
    with pytest.raises(JobFailedError):
        bench.run()
    assert set(bench.begun()) == {plan.jobs[0].key, first.key, second.key}
    assert (bench.store / "jobs" / second.key / "manifest.json").exists()


def test_a_job_that_kills_its_workers_is_a_failure(bench: Bench) -> None:
    bench.rules({"trace mmubench": "die"})
    with pytest.raises(
        JobFailedError,
        match="3 workers died at it; the last one was killed by signal 9; was memory",
    ):
        bench.run()
    bench.rules({})
    bench.run()


def test_a_worker_that_is_killed_loses_its_job_alone(bench: Bench) -> None:
    label = "unlearn mmubench:tiny salun@weak seed 7"
    bench.rules({label: "die 2"})
    printed = bench.run(workers=1)
    assert printed.count(f"begun again: {label} (its worker was killed by signal 9") == 2
    jobs = bench.toy.plan().jobs
    assert bench.begun() == {job.key: 3 if job.label == label else 1 for job in jobs}
    assert {folder.name for folder in (bench.store / "jobs").iterdir()} == {j.key for j in jobs}
    assert not list((bench.store / "leases").iterdir())


def test_failed_gates_stop_their_benchmark_alone(bench: Bench) -> None:
    bench.rules({"gates mmubench": "fail gates"})
    printed = bench.run()
    assert "failed gates: original_forget_accuracy; 12 jobs are skipped" in printed
    rows = results.read(bench.store / "results.parquet")
    stopped = [row for row in rows if row.benchmark == "mmubench" and row.role == "unlearned"]
    assert len(stopped) == 8
    assert {(row.status, row.value, row.n) for row in stopped} == {("gate_failed", None, 0)}
    others = [row for row in rows if row not in stopped]
    assert {row.status for row in others} == {"ok"}
    assert {row.role for row in others if row.benchmark == "mmubench"} == {"original", "oracle"}
    reports = json.loads((bench.store / "gates.json").read_text())
    assert {name: report["passed"] for name, report in reports.items()} == {
        "mmubench:tiny": False,
        "unlok_vqa:tiny": True,
    }
    begun = bench.begun()
    bench.run()
    assert bench.begun() == begun
    assert results.read(bench.store / "results.parquet") == rows


def test_a_dropped_oracle_costs_its_own_rows_alone(bench: Bench) -> None:
    bench.rules({"gates mmubench": "drop oracle_1"})
    bench.run()
    rows = [row for row in bench.table() if row["benchmark"] == "mmubench"]
    dropped = [row for row in rows if row["role"] == "oracle" and row["seed"] == 1]
    assert {row["metric"] for row in dropped} == {"FA", "AD"}
    assert {(row["status"], row["value"], row["n"]) for row in dropped} == {
        ("gate_failed", None, 0)
    }
    others = [row for row in rows if row not in dropped]
    assert {row["status"] for row in others} == {"ok"}
    assert {row["role"] for row in others} == {"original", "oracle", "unlearned"}
    distances = [row for row in others if row["metric"] == "AD"]
    assert {row["oracle_seed"] for row in distances} == {0}
    assert {row["role"] for row in distances} == {"unlearned", "original"}
    begun, table = bench.begun(), bench.table()
    bench.run()
    assert (bench.begun(), bench.table()) == (begun, table)


def test_originals_and_standing_oracles_are_measured_where_the_benchmark_stops(
    bench: Bench,
) -> None:
    bench.rules({"gates mmubench": "drop oracle_0 oracle_1", "gates mmubench:": "fail gates"})
    bench.run()
    rows = [row for row in bench.table() if row["benchmark"] == "mmubench"]
    status = {(row["role"], row["status"]) for row in rows}
    assert status == {
        ("original", "ok"),
        ("oracle", "gate_failed"),
        ("unlearned", "gate_failed"),
    }


def test_other_gates_ask_again(bench: Bench) -> None:
    bench.rules({"gates": "fail gates"})
    bench.run()
    bench.rules({})
    bench.run(bench.toy.plan(Gates(accuracy=0.5)))
    assert {row["status"] for row in bench.table()} == {"ok"}
    assert max(bench.begun().values()) == 1


def test_a_damaged_cell_is_told_and_made_again(bench: Bench) -> None:
    bench.run()
    jobs, table = bench.jobs(), bench.table()
    key = bench.toy.plan().models[0].model
    (bench.store / "jobs" / key / "manifest.json").write_text('{"key": "')
    printed = bench.run()
    assert "damaged, made again: train mmubench:tiny original seed 42" in printed
    assert {key for key, times in bench.begun().items() if times > 1} == {key}
    assert bench.jobs() == jobs
    assert bench.table() == table


def test_left_overs_are_removed(bench: Bench) -> None:
    left = bench.store / "jobs" / ".part-0123456789abcdef-1"
    left.mkdir(parents=True)
    (left / "half").write_text("h")
    bench.run()
    assert not left.exists()


def test_workers_compute_with_one_thread(bench: Bench) -> None:
    bench.rules({"base": "threads"})
    bench.run()
    base = bench.store / "jobs" / bench.toy.plan().jobs[0].key
    assert json.loads((base / "threads").read_text()) == ["1", "1"]
