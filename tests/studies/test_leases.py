"""Of all that want a lease one has it, until it gives it back or is seen to be dead."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from uqs.studies import leases
from uqs.studies.leases import Lease, Leases

BEAT, EXPIRY = 0.02, 0.5
HOLD = (
    "import sys, time; from pathlib import Path; from uqs.studies.leases import Leases\n"
    "lease = Leases(Path(sys.argv[1])).claim('job')\n"
    "print(lease.number, flush=True); time.sleep(60)\n"
)


@pytest.fixture(autouse=True)
def _fast_disc(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy disc must not make a beat of a test late."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Lease]:
    """Claims the lease `job` as a process of another host would."""

    def claim() -> Lease:
        with monkeypatch.context() as other:
            other.setattr(leases, "boot", lambda: "another kernel")
            other.setattr(leases, "host", lambda: "node-7")
            found = quick(tmp_path).claim("job")
        assert found is not None
        return found

    return claim


def quick(folder: Path) -> Leases:
    return Leases(folder, BEAT, EXPIRY)


def stop_beating(lease: Lease) -> None:
    """As if its host had stopped."""
    lease._ended.set()
    lease._thread.join()


def claimed(observer: Leases, seconds: float = 10) -> Lease:
    end = time.monotonic() + seconds
    while (lease := observer.claim("job")) is None:
        assert time.monotonic() < end, "waited in vain"
        time.sleep(BEAT / 4)
    return lease


def all_at_once(folder: Path, observers: list[Leases]) -> list[Lease]:
    """What they get who claim `job` at the same moment."""
    begin, found = threading.Barrier(len(observers)), []

    def claim(observer: Leases) -> None:
        begin.wait()
        if lease := observer.claim("job"):
            found.append(lease)

    threads = [threading.Thread(target=claim, args=(one,)) for one in observers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_of_many_one_has_it(tmp_path: Path) -> None:
    for _ in range(20):
        (lease,) = all_at_once(tmp_path, [Leases(tmp_path) for _ in range(8)])
        assert lease.number == 1
        lease.release()
    assert not list(tmp_path.iterdir())


def test_other_names_are_other_leases(tmp_path: Path) -> None:
    both = Leases(tmp_path)
    one, other = both.claim("a"), both.claim("a-b")
    assert one is not None
    assert other is not None
    assert both.names() == {"a", "a-b"}
    one.release()
    other.release()


def test_a_killed_holder_of_this_host_is_dead_at_once(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "1\n"
    observer = Leases(tmp_path)  # would look for a minute, were it another host's
    assert observer.claim("job") is None
    found = observer.holder("job")
    assert found is not None
    assert found.process == holder.pid
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    assert observer.holder("job") is None
    lease = observer.claim("job")
    assert lease is not None
    assert lease.number == 2
    lease.release()


def test_who_beats_on_another_host_lives_whatever_the_clocks_say(
    tmp_path: Path, elsewhere: Callable[[], Lease]
) -> None:
    lease, observer = elsewhere(), quick(tmp_path)
    end = time.monotonic() + 2 * EXPIRY
    while time.monotonic() < end:
        os.utime(lease.file, (0, 0))  # a file system that is decades behind
        assert observer.claim("job") is None
        time.sleep(BEAT / 4)
    holder = observer.holder("job")
    assert holder is not None
    assert holder.host == "node-7"
    lease.release()
    claimed(observer).release()


def test_who_stands_still_on_another_host_is_dead_after_a_while(
    tmp_path: Path, elsewhere: Callable[[], Lease]
) -> None:
    stop_beating(elsewhere())
    observer, begin = quick(tmp_path), time.monotonic()
    lease = claimed(observer)
    assert time.monotonic() - begin >= EXPIRY
    assert lease.number == 2
    lease.release()


def test_an_observer_that_stood_still_itself_does_not_judge(
    tmp_path: Path, elsewhere: Callable[[], Lease]
) -> None:
    stop_beating(elsewhere())
    observer = quick(tmp_path)
    assert observer.claim("job") is None
    time.sleep(1.5 * EXPIRY)
    assert observer.claim("job") is None
    claimed(observer).release()


def test_of_many_that_find_it_dead_one_takes_it_over(
    tmp_path: Path, elsewhere: Callable[[], Lease]
) -> None:
    observers = [quick(tmp_path) for _ in range(8)]
    dead = elsewhere()
    stop_beating(dead)
    while any(observer.holder("job") for observer in observers):
        time.sleep(BEAT / 4)
    (lease,) = all_at_once(tmp_path, observers)
    assert lease.number == 2
    dead.release()
    assert lease.held()
    lease.release()


def test_who_wakes_up_after_that_is_told_and_harms_nobody(
    tmp_path: Path, elsewhere: Callable[[], Lease]
) -> None:
    told = threading.Event()
    sleeper = elsewhere()
    stop_beating(sleeper)
    lease = claimed(quick(tmp_path))
    sleeper._ended.clear()
    sleeper._lost = told.set
    sleeper._go_on(BEAT)  # what its thread does once it runs again
    assert told.is_set()
    assert not sleeper.held()
    sleeper.release()
    assert lease.held()
    assert [file.name for file in tmp_path.iterdir()] == ["job.2"]
    lease.release()


def test_cleaning_leaves_the_living(tmp_path: Path) -> None:
    observer = Leases(tmp_path)
    living = observer.claim("living")
    assert living is not None
    dead = subprocess.run(
        [sys.executable, "-c", HOLD.replace("time.sleep(60)", "import os; os._exit(1)"), tmp_path],
        check=False,
        capture_output=True,
    )
    assert dead.stdout == b"1\n"
    observer.clean()
    assert [file.name for file in tmp_path.iterdir()] == ["living.1"]
    living.release()
