"""What is said to have changed really became something else."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from uqs.studies.changes import changes
from uqs.studies.jobs import Job, Kind
from uqs.studies.store import MANIFEST, Store

LABEL = "trace mmubench:tiny original seed 42"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found = Store(tmp_path)
    found.jobs.mkdir()
    return found


def made(store: Store, job: Job, when: float, params: Mapping[str, Any] | None = None) -> None:
    """A finished job's folder, under another name if its parameters were others."""
    key = job.key if params is None else Job(job.kind, job.label, params, job.inputs).key
    file = store.folder(key) / MANIFEST
    file.parent.mkdir()
    about = {
        "kind": job.kind,
        "label": job.label,
        "params": dict(job.params if params is None else params),
        "computation": job.computation,
    }
    file.write_text(json.dumps(about))
    os.utime(file, (when, when))


def trace(role: str, tokens: int, label: str = LABEL, kind: Kind = "trace") -> Job:
    return Job(kind, label, {"role": role, "tokens": tokens}, {})


@pytest.mark.parametrize("newest", ["original", "baseline"])
def test_a_method_named_original_is_no_original(store: Store, newest: str) -> None:
    jobs = [trace("original", 9), trace("baseline", 9)]
    for job in jobs:
        role = job.params["role"]
        made(store, job, when=2e9 if role == newest else 1e9, params={"role": role, "tokens": 32})
    assert list(changes(jobs, {}, store)) == ["made again: 2 trace (tokens: 32 -> 9)"]


def test_a_job_without_a_forerunner_of_its_role_is_new(store: Store) -> None:
    made(store, trace("original", 9), 1e9)
    assert list(changes([trace("original", 9), trace("baseline", 9)], {}, store)) == []
    made(store, trace("original", 9), 1e9, {"role": "original", "tokens": 32})
    assert list(changes([trace("baseline", 9)], {}, store)) == []


def test_jobs_of_different_kinds_are_not_compared(store: Store) -> None:
    made(store, trace("original", 32), 1e9)
    assert list(changes([trace("original", 9, kind="measure")], {}, store)) == []
