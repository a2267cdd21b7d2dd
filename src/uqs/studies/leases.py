"""Leases: of all workers that share a run folder, on one host or several, one works at a job.

A lease is a file that only one process can create (O_EXCL, which NFS honours too). Its number is one above
the last: whoever takes a dead lease over creates the next file, so of two that try one succeeds, and a file
that somebody holds is never removed in a race. The holder counts up a beat in its file. It is dead if

- the beat stands still as long as an observer looks (`expiry`): no clocks of two hosts are compared; or
- it ran on this host, and the kernel gave up the lock that it had on its file.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from uqs.studies.hosts import boot, host

BEAT = 5.0
"""Seconds between two beats."""
EXPIRY = 120.0
"""Seconds for which an observer sees no beat before it takes the holder for dead."""


class Holder(NamedTuple):
    """Who holds a lease; `claim` differs whenever a lease is taken."""

    host: str
    process: int
    claim: str


class Leases:
    """The leases of one folder, as one process sees them; names are letters, digits and dashes."""

    def __init__(self, folder: Path, beat: float = BEAT, expiry: float = EXPIRY) -> None:
        self.folder, self.beat, self.expiry = folder, beat, expiry
        self._seen: dict[str, _Sight] = {}

    def claim(self, name: str, lost: Callable[[], None] | None = None) -> Lease | None:
        """The lease, or None while another holds it; `lost` is called, from a thread, if it is taken away."""
        last = self._last(name)
        if last and not self._is_dead(name, last):
            return None
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            return Lease(self.folder, name, last + 1, self.beat, lost)
        except FileExistsError:
            return None

    def wait(
        self,
        name: str,
        lost: Callable[[], None] | None = None,
        done: Callable[[], bool] = lambda: False,
    ) -> Lease | None:
        """The lease as soon as nobody else holds it, or None once `done`."""
        while (lease := self.claim(name, lost)) is None:
            if done():
                return None
            time.sleep(self.beat / 10)
        return lease

    def holder(self, name: str) -> Holder | None:
        """Who holds the lease; None where it is free or its holder was found dead by now."""
        last = self._last(name)
        if not last or self._is_dead(name, last):
            return None
        about = _read(self._file(name, last))
        return Holder(
            about.get("host", "an unknown host"), about.get("process", 0), about.get("claim", "")
        )

    def names(self) -> set[str]:
        """The leases that somebody holds or died with."""
        return {name.rpartition(".")[0] for name in self._listed()}

    def beat_of(self, name: str) -> bytes:
        """What changes as long as somebody holds the lease; empty where nobody does."""
        with suppress(OSError):
            return self._file(name, self._last(name)).read_bytes()
        return b""

    def clean(self) -> None:
        """Remove what the dead left, so that numbers begin anew."""
        for name in self.names():
            for number in self._numbers(name):
                if self._is_dead(name, number):
                    self._file(name, number).unlink(missing_ok=True)

    def _file(self, name: str, number: int) -> Path:
        return self.folder / f"{name}.{number}"

    def _numbers(self, name: str) -> list[int]:
        pattern = re.compile(re.escape(name) + r"\.(\d+)")
        return sorted(int(found[1]) for one in self._listed() if (found := pattern.fullmatch(one)))

    def _listed(self) -> list[str]:
        try:
            return os.listdir(self.folder)  # noqa: PTH208  a listing is fresh on NFS, a look-up may be cached
        except FileNotFoundError:
            return []

    def _last(self, name: str) -> int:
        return max(self._numbers(name), default=0)

    def _is_dead(self, name: str, number: int) -> bool:
        file = self._file(name, number)
        try:
            with file.open("rb") as handle:  # opening asks an NFS server for what is new
                content = handle.read()
                if _of_this_host(content) and _is_unlocked(handle.fileno()):
                    return True
        except FileNotFoundError:
            return False  # it is just being released or taken over: the next look tells
        sight, now = self._seen.get(file.name), time.monotonic()
        if sight is None or sight.content != content:
            self._seen[file.name] = _Sight(content, now)
            return False
        if now - sight.last >= self.beat:
            # a gap between two looks counts as one beat: this process may have been what stood still
            sight.still, sight.last = sight.still + self.beat, now
        return sight.still >= self.expiry


@dataclass
class _Sight:
    """What an observer saw, when it last counted, and for how many seconds it has stood still."""

    content: bytes
    last: float
    still: float = 0.0


class Lease:
    """Holds a file of the leases' folder from the moment it is made; FileExistsError where there is one.

    `number` - 1 holders before this one died.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        number: int,
        beat: float,
        lost: Callable[[], None] | None = None,
    ) -> None:
        self.name, self.number = name, number
        self.file = folder / f"{name}.{number}"
        self._lost, self._ended = lost, threading.Event()
        self._claim, self._count = secrets.token_hex(8), 0
        self._about = {
            "host": host(),
            "boot": boot(),
            "process": os.getpid(),
            "claim": self._claim,
        }
        self._handle = os.open(self.file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644)
        with suppress(OSError):  # a file system without locks: the beat alone tells
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._write()
        for older in range(1, number):
            (folder / f"{name}.{older}").unlink(missing_ok=True)
        self._thread = threading.Thread(target=self._go_on, args=(beat,), daemon=True)
        self._thread.start()

    def held(self) -> bool:
        """Whether nobody has taken the lease over."""
        if self.file.with_name(f"{self.name}.{self.number + 1}").exists():
            return False
        try:
            content = self.file.read_bytes()
        except FileNotFoundError:
            return False
        except OSError:
            return True  # a server that does not answer has given it to nobody
        return bool(_parsed(content).get("claim", self._claim) == self._claim)

    def release(self) -> None:
        """Let the next one have it."""
        self._ended.set()
        self._thread.join()
        if self.held():
            self.file.unlink(missing_ok=True)
        os.close(self._handle)

    def _go_on(self, beat: float) -> None:
        while not self._ended.wait(beat):
            if not self.held():
                if self._lost is not None:
                    self._lost()
                return
            with suppress(OSError):
                self._write()

    def _write(self) -> None:
        """Who holds it, and the beat: always of one length, so that no reader sees a mixture."""
        self._count += 1
        about = {**self._about, "beat": f"{self._count:010}"}
        os.pwrite(self._handle, json.dumps(about).encode(), 0)
        os.fsync(self._handle)


def _of_this_host(content: bytes) -> bool:
    return _parsed(content).get("boot") == boot()


def _read(file: Path) -> dict[str, Any]:
    with suppress(OSError):
        return _parsed(file.read_bytes())
    return {}


def _parsed(content: bytes) -> dict[str, Any]:
    """What a lease says; nothing where it was just made."""
    with suppress(ValueError):
        found = json.loads(content)
        if isinstance(found, dict):
            return found
    return {}


def _is_unlocked(handle: int) -> bool:
    """Whether the kernel of this host knows of nobody who locked the file."""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
