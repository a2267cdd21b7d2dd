"""A worker: does one job at a time with one thread, under the job's lease."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Protocol

from uqs.errors import UserError
from uqs.methods.state_files import seconds_spent
from uqs.studies.hosts import require_folder
from uqs.studies.jobs import TRAINING, Job
from uqs.studies.leases import Lease
from uqs.studies.store import Manifest, Store, describe_files
from uqs.studies.verdict import GATES, stopping_gates

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
LOST = 75
"""The exit code of a worker whose job was given to another."""
RECORDED_PACKAGES = ("uqs", "torch", "transformers", "peft")


class Work(Protocol):
    """What a job does: reads the folders of its inputs by role and writes files into the empty `out`.

    A job that trains keeps its `state` in that folder, and goes on from what it finds there.
    """

    def __call__(
        self, job: Job, inputs: dict[str, Path], out: Path, state: Path | None = None
    ) -> None: ...


@dataclass(frozen=True)
class JobResult:
    """A job was made; `stop` says why nothing may be made from it."""

    key: str
    seconds: float
    stop: str | None


@dataclass(frozen=True)
class JobFailure:
    """A job could not be made; `users` where the user can mend it."""

    label: str
    message: str
    trace: str
    users: bool


def work_through(connection: Connection, run: Path, work: str) -> None:
    """Make the jobs that come through the connection, until it closes or the parent dies; `work` is
    `module:function`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    threading.Thread(target=_die_with_parent, daemon=True).start()
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    store = Store(run)
    with suppress(Exception):  # imports early; what is wrong is told with the first job
        _load(work)
    while True:
        try:
            job: Job = connection.recv()
        except EOFError:
            return
        connection.send(attempt(job, store, work))


def attempt(
    job: Job, store: Store, work: str, lease: Lease | None = None
) -> JobResult | JobFailure:
    """Make a job in a process that has nothing else to do: it ends at once if another took the job over."""
    try:
        return make(job, store, _load(work), lease, lost=end_at_once)
    except UserError as error:
        return JobFailure(job.label, str(error), traceback.format_exc(), users=True)
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        return JobFailure(job.label, message, traceback.format_exc(), users=False)


def end_at_once() -> None:
    """End this process: another worker took its job over, because it stood still for too long."""
    print("this worker stood still, and its job was given to another", file=sys.stderr, flush=True)
    os._exit(LOST)


def make(
    job: Job,
    store: Store,
    do: Work,
    lease: Lease | None = None,
    lost: Callable[[], None] | None = None,
) -> JobResult:
    """Do a job and put it into the store, unless another worker did by now.

    Without a `lease`, it is waited for. `lost` is called if it is taken away.
    """
    lease = lease or store.leases.wait(job.key, lost, lambda: job.key in store.made())
    try:
        if job.key not in store.made():
            _make(job, store, do)
        manifest = store.manifest(job.key)
    finally:
        if lease is not None:
            lease.release()
    if manifest is None:
        raise RuntimeError(f"job {job.key} was made and is gone")
    return JobResult(job.key, manifest.seconds, manifest.stop)


def _make(job: Job, store: Store, do: Work) -> None:
    begin = time.perf_counter()
    for key in job.inputs.values():
        store.verify(key)
    if job.source:
        require_folder(
            Path(job.source), "which the study names; every host that works at it needs it"
        )
    with store.making(job) as part:
        inputs = {role: store.folder(key) for role, key in job.inputs.items()}
        state = store.state(job.key)
        earlier = seconds_spent(state)
        do(job, inputs, part, state)
        manifest = Manifest(
            key=job.key,
            kind=job.kind,
            label=job.label,
            params=job.params,
            inputs=job.inputs,
            versions=_versions(),
            computation=job.computation,
            device=_device(),
            seconds=earlier + time.perf_counter() - begin,
            stop=_stop(job, part),
            outcome=_outcome(part),
            files=describe_files(part),
        )
        store.seal(part, manifest)


def _load(work: str) -> Work:
    module, _, function = work.partition(":")
    found: Work = getattr(import_module(module), function)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
    return found


def _stop(job: Job, folder: Path) -> str | None:
    """Gates that fail stop what would be made from their job."""
    if job.kind != "gates":
        return None
    failed = stopping_gates(folder / GATES)
    return f"failed gates: {', '.join(failed)}" if failed else None


def _outcome(folder: Path) -> dict[str, Any]:
    """What came of a job's training, but for the loss of every step."""
    file = folder / TRAINING
    if not file.is_file():
        return {}
    told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return {name: value for name, value in told.items() if name != "losses"}


def _versions() -> dict[str, str]:
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in RECORDED_PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _device() -> str:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return str(torch.cuda.get_device_name())
    return "cpu"


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
