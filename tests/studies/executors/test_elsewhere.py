"""A host that lacks what a run needs says so in one line, with its name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from uqs import computation
from uqs.errors import UserError
from uqs.studies.executors.base import WorkerSettings
from uqs.studies.executors.elsewhere import Elsewhere, attempt_elsewhere, check_code
from uqs.studies.hosts import host
from uqs.studies.jobs import Job
from uqs.studies.store import Store
from uqs.studies.worker import JobFailure, attempt, make

JOB = Job("base", "base toy", {"model": "toy"}, {})


def nothing(job: Job, inputs: dict[str, Path], out: Path, state: Path | None = None) -> None:
    (out / "made").write_text("1")


def test_a_host_without_the_run_folder(tmp_path: Path) -> None:
    place = Elsewhere(tmp_path / "run", tmp_path, WorkerSettings())
    found = attempt_elsewhere(place, JOB)
    assert isinstance(found, JobFailure)
    assert found.users
    assert found.message == (
        f"{host()} has no folder {tmp_path}/run/jobs, the run folder; all hosts must share its file system"
    )


def test_a_host_without_the_folder_that_paths_are_relative_to(tmp_path: Path) -> None:
    (tmp_path / "run" / "jobs").mkdir(parents=True)
    with pytest.raises(
        UserError, match=f"{host()} has no folder .*away, where 'uqs run' was called"
    ):
        Elsewhere(tmp_path / "run", tmp_path / "away", WorkerSettings()).enter()


def test_a_host_without_the_base(tmp_path: Path) -> None:
    store = Store(tmp_path / "run")
    job = replace(JOB, source=str(tmp_path / "models" / "llava"))
    with store.lock():
        found = attempt(job, store, "json:dumps")
        assert isinstance(found, JobFailure)
        assert found.message.startswith(
            f"{host()} has no folder {tmp_path}/models/llava, which the"
        )
        assert not list(store.jobs.iterdir())
        (tmp_path / "models" / "llava").mkdir(parents=True)
        make(job, store, nothing)


def test_a_host_with_other_code(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job("train", "train toy", {"model": "toy"}, {})
    assert job.key
    check_code(job)
    monkeypatch.setitem(computation.CODE, "training", 99)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=f"{host()} has another version of uqs or of the libraries"):
        check_code(job)


def test_a_job_that_another_worker_finished_is_not_made_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "run")

    def never(job: Job, inputs: dict[str, Path], out: Path) -> None:
        raise AssertionError("it is there")

    with store.lock():
        first = make(JOB, store, nothing)
        assert make(JOB, Store(store.run), never) == first
