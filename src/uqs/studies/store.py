"""Where finished jobs live: folders named by key, complete by construction."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from uqs import io
from uqs.errors import DataError, UserError
from uqs.studies.jobs import Job, Kind
from uqs.studies.leases import Lease, Leases

MANIFEST = "manifest.json"
DRIVER = "driver"
"""The lease of the process that runs the study."""
NUMBERS = ".json"
"""The files whose content is checked whenever a job is looked at: they are small, and results are read off
them. Of the others the size is, and the content before something is made from them."""


@dataclass(frozen=True)
class Manifest:
    """What a finished job is and holds; times aside, it is the same whenever the job is made again.

    `files` gives size and sha256 of every other file of the folder. `stop` says why nothing may be made
    from this job, or is null. `outcome` says of a job that trains how many steps it took, why it ended,
    and what was answered then; it is empty for others. `seconds` is wall time.
    """

    key: str
    kind: Kind
    label: str
    params: Mapping[str, Any]
    inputs: Mapping[str, str]
    versions: Mapping[str, str]
    computation: Mapping[str, Any]
    device: str
    seconds: float
    stop: str | None
    outcome: Mapping[str, Any]
    files: Mapping[str, Mapping[str, Any]]


class Store:
    """The jobs of one run folder."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.jobs = run / "jobs"
        self.states = run / "states"
        self.leases = Leases(run / "leases")
        self._verified: set[str] = set()

    def folder(self, key: str) -> Path:
        return self.jobs / key

    def state(self, key: str) -> Path:
        """Where a job that is being made keeps the state of its training."""
        return self.states / key

    def made(self) -> set[str]:
        """The keys of the finished jobs, by one look into the folder."""
        return {name for name in os.listdir(self.jobs) if not name.startswith(io.PART)}  # noqa: PTH208

    def manifest(self, key: str) -> Manifest | None:
        """The manifest of a finished job, or None where it was not made.

        Raises DataError where the folder is there but damaged.
        """
        folder = self.folder(key)
        if not folder.is_dir():
            return None
        file = folder / MANIFEST
        try:
            manifest = Manifest(**json.loads(file.read_text(encoding="utf-8")))
            sizes = {name: int(about["size"]) for name, about in manifest.files.items()}
            contents = {name: str(about["sha256"]) for name, about in manifest.files.items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"is no manifest of a job ({error})", file=file) from None
        if manifest.key != key:
            raise DataError(f"is of job {manifest.key}", file=file, field="key")
        for name, size in sizes.items():
            path = folder / name
            if not path.is_file():
                raise DataError("is missing", file=path)
            if path.stat().st_size != size:
                raise DataError(f"has {path.stat().st_size} bytes, not {size}", file=path)
            if path.suffix == NUMBERS and _content(path) != contents[name]:
                raise DataError("was changed after it was made", file=path)
        return manifest

    def verify(self, key: str) -> None:
        """Check every file of a finished job, once for this store; DataError names one that was changed."""
        if key in self._verified:
            return
        manifest = self.manifest(key)
        if manifest is None:
            raise DataError("was not made", file=self.folder(key))
        for name, about in manifest.files.items():
            path = self.folder(key) / name
            if path.suffix != NUMBERS and _content(path) != about["sha256"]:
                problem = (
                    f"was changed after it was made; remove {self.folder(key)} to make it again"
                )
                raise DataError(problem, file=path)
        self._verified.add(key)

    def discard(self, key: str) -> None:
        """Remove a job; it vanishes at once, so that a kill meanwhile leaves no half of it."""
        doomed = self.jobs / f"{io.PART}{key}-discarded"
        shutil.rmtree(doomed, ignore_errors=True)
        self.folder(key).rename(doomed)
        shutil.rmtree(doomed)

    def clean(self) -> None:
        """Remove what killed runs left half-made, but for the states that trainings go on from.

        A job at which a worker is still alive is left to it.
        """
        self.leases.clean()
        for left in self.jobs.glob(f"{io.PART}*"):
            key = left.name.removeprefix(io.PART).partition("-")[0]
            if self.leases.holder(key) is None:
                # a worker of the killed run may just be dying
                shutil.rmtree(left, ignore_errors=True)
        for left in self.states.glob("*"):
            if self.folder(left.name).is_dir():
                shutil.rmtree(left, ignore_errors=True)

    @contextmanager
    def lock(self, say: Callable[[str], None] = lambda _: None) -> Iterator[None]:
        """Hold the run folder, made if need be; UserError where another process holds it.

        Processes of this host are told apart at once. A process of another host may have been killed: whether
        it still lives takes up to two minutes to see, which is said.
        """
        self.jobs.mkdir(parents=True, exist_ok=True)
        with (self.run / ".lock").open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(
                    f"{self.run} is in use by another 'uqs run'; wait for it or end it"
                ) from None
            except OSError:
                pass  # a file system without locks: the lease alone tells
            lease = self.leases.claim(DRIVER) or self._waited(say)
            try:
                yield
            finally:
                lease.release()

    def _waited(self, say: Callable[[str], None]) -> Lease:
        """The driver's lease once its holder is seen to be dead; UserError once it is seen to live."""
        holder, beat = self.leases.holder(DRIVER), self.leases.beat_of(DRIVER)
        where = f"{holder.host} (process {holder.process})" if holder else "another host"
        say(f"{self.run} was in use on {where}; looking whether it still is")
        moved: list[str] = []

        def moves() -> bool:
            if self.leases.beat_of(DRIVER) not in (b"", beat):
                moved.append(where)
            return bool(moved)

        lease = self.leases.wait(DRIVER, done=moves)
        if lease is None:
            raise UserError(
                f"{self.run} is in use by another 'uqs run' on {where}; wait for it or end it"
            )
        return lease

    @contextmanager
    def making(self, job: Job) -> Iterator[Path]:
        """An empty folder to make a job in; it is removed again, whatever happens, unless `seal` took it.

        What others left of the job is removed: the caller holds its lease.
        """
        for left in self.jobs.glob(f"{io.PART}{job.key}-*"):
            shutil.rmtree(left, ignore_errors=True)
        part = io.temporary(self.folder(job.key))
        part.mkdir()
        try:
            yield part
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def seal(self, part: Path, manifest: Manifest) -> None:
        """Write the manifest last and give the folder its final name, unless the job is there by now."""
        file = part / MANIFEST
        file.write_text(json.dumps(asdict(manifest), indent=1, sort_keys=True), encoding="utf-8")
        io.put_in_place(part, self.folder(manifest.key), shared=True)
        shutil.rmtree(self.state(manifest.key), ignore_errors=True)
        self._verified.add(manifest.key)


def _content(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def describe_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and sha256 of every file below a folder, by its path there."""
    return {
        path.relative_to(folder).as_posix(): {
            "size": path.stat().st_size,
            "sha256": _content(path),
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
