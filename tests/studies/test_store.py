"""A job is in the store whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from uqs.errors import DataError, UserError
from uqs.studies.jobs import Job
from uqs.studies.store import Store
from uqs.studies.worker import make

JOB = Job("base", "base toy", {"model": "toy"}, {})


def work(job: Job, inputs: dict[str, Path], out: Path, state: Path | None = None) -> None:
    (out / "deep").mkdir()
    (out / "deep" / "weights").write_bytes(b"123")
    (out / "note").write_text("n")
    (out / "deep" / "numbers.json").write_text('[{"value": 0.123}]')


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found = Store(tmp_path / "run")
    with found.lock():
        make(JOB, found, work)
    return found


def test_a_made_cell_is_described(store: Store) -> None:
    manifest = store.manifest(JOB.key)
    assert manifest is not None
    assert (manifest.key, manifest.kind, manifest.label) == (JOB.key, "base", "base toy")
    assert (manifest.params, manifest.inputs, manifest.stop) == ({"model": "toy"}, {}, None)
    assert manifest.files == {
        "deep/weights": {"size": 3, "sha256": hashlib.sha256(b"123").hexdigest()},
        "deep/numbers.json": {
            "size": 18,
            "sha256": hashlib.sha256(b'[{"value": 0.123}]').hexdigest(),
        },
        "note": {"size": 1, "sha256": hashlib.sha256(b"n").hexdigest()},
    }
    assert {"python", "uqs"} <= set(manifest.versions)
    assert manifest.seconds > 0


def test_a_cell_that_was_not_made_has_no_manifest(store: Store) -> None:
    assert store.manifest("0" * 16) is None


def test_work_that_fails_leaves_nothing(store: Store) -> None:
    def fail(job: Job, inputs: dict[str, Path], out: Path, state: Path | None = None) -> None:
        work(job, inputs, out)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        make(Job("base", "", {"model": "other"}, {}), store, fail)
    assert [folder.name for folder in store.jobs.iterdir()] == [JOB.key]


def rewrite(folder: Path, **change: object) -> None:
    file = folder / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda folder: (folder / "manifest.json").unlink(), "is no manifest"),
        (lambda folder: (folder / "manifest.json").write_bytes(b"{\xff"), "is no manifest"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), "is no manifest"),
        (lambda folder: (folder / "manifest.json").write_text('{"key": 1}'), "is no manifest"),
        (lambda folder: rewrite(folder, files=[1]), "is no manifest"),
        (lambda folder: rewrite(folder, files={"note": {}}), "is no manifest"),
        (lambda folder: rewrite(folder, files={"note": {"size": 1}}), "is no manifest"),
        (lambda folder: rewrite(folder, key="1" * 16), "is of job 1111"),
        (lambda folder: (folder / "note").unlink(), "note: is missing"),
        (lambda folder: (folder / "deep" / "weights").write_bytes(b"12"), "has 2 bytes, not 3"),
    ],
)
def test_damage_is_named(store: Store, damage: Callable[[Path], None], problem: str) -> None:
    damage(store.folder(JOB.key))
    with pytest.raises(DataError, match=problem):
        store.manifest(JOB.key)
    store.discard(JOB.key)
    assert not list(store.jobs.iterdir())


def test_a_changed_digit_is_damage(store: Store) -> None:
    file = store.folder(JOB.key) / "deep" / "numbers.json"
    file.write_text(file.read_text().replace("0.123", "0.923"))
    with pytest.raises(DataError, match=r"numbers\.json: was changed after it was made"):
        store.manifest(JOB.key)


def test_nothing_is_made_from_a_changed_file(store: Store) -> None:
    reader = Job("trace", "reader", {"model": "toy"}, {"base": JOB.key})
    fresh = Store(store.run)  # as another process has it
    (store.folder(JOB.key) / "deep" / "weights").write_bytes(b"124")
    assert fresh.manifest(JOB.key) is not None  # large files are not read to see what exists
    with pytest.raises(
        DataError, match=r"weights: was changed after it was made; remove .*" + JOB.key
    ):
        make(reader, fresh, work)
    assert [folder.name for folder in store.jobs.iterdir()] == [JOB.key]


def test_what_is_whole_is_checked_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = Store(store.run)
    fresh.verify(JOB.key)
    monkeypatch.setattr("uqs.studies.store._content", lambda path: "other")
    fresh.verify(JOB.key)
    with pytest.raises(DataError, match="was changed"):
        Store(store.run).verify(JOB.key)
    with pytest.raises(DataError, match="was not made"):
        fresh.verify("0" * 16)


def test_cleaning_removes_parts_alone(store: Store) -> None:
    (store.jobs / ".part-1-1").mkdir()
    (store.jobs / ".part-1-1" / "half").write_text("h")
    store.clean()
    assert [folder.name for folder in store.jobs.iterdir()] == [JOB.key]


def test_cleaning_leaves_states_of_jobs_that_are_not_made(store: Store) -> None:
    for key in ("0" * 16, JOB.key):
        store.state(key).mkdir(parents=True)
        (store.state(key) / "state.json").write_text("{}")
    store.clean()
    assert [folder.name for folder in store.states.iterdir()] == ["0" * 16]


def test_a_state_outlives_a_failure_and_goes_with_the_result(store: Store) -> None:
    other = Job("base", "", {"model": "other"}, {})

    def fail(job: Job, inputs: dict[str, Path], out: Path, state: Path | None = None) -> None:
        assert state is not None
        state.mkdir(parents=True)
        (state / "state.json").write_text(json.dumps({"seconds": 1000.0}))
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        make(other, store, fail)
    assert store.state(other.key).is_dir()
    made = make(other, store, work)
    assert made.seconds > 1000
    manifest = store.manifest(other.key)
    assert manifest is not None
    assert manifest.seconds == made.seconds
    assert not store.state(other.key).exists()


def test_one_holds_the_lock(tmp_path: Path) -> None:
    with Store(tmp_path).lock(), pytest.raises(UserError, match="in use by another"):
        Store(tmp_path).lock().__enter__()
    with Store(tmp_path).lock():
        pass
