"""A cell is in the store whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from uqs.errors import DataError, UserError
from uqs.studies.cells import Cell
from uqs.studies.store import Store
from uqs.studies.worker import make

CELL = Cell("base", "base toy", {"model": "toy"}, {})


def work(cell: Cell, inputs: dict[str, Path], out: Path) -> None:
    (out / "deep").mkdir()
    (out / "deep" / "weights").write_bytes(b"123")
    (out / "note").write_text("n")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found = Store(tmp_path / "run")
    with found.lock():
        make(CELL, found, work)
    return found


def test_a_made_cell_is_described(store: Store) -> None:
    manifest = store.manifest(CELL.key)
    assert manifest is not None
    assert (manifest.key, manifest.kind, manifest.label) == (CELL.key, "base", "base toy")
    assert (manifest.params, manifest.inputs, manifest.stop) == ({"model": "toy"}, {}, None)
    assert manifest.files == {
        "deep/weights": {"size": 3, "sha256": hashlib.sha256(b"123").hexdigest()},
        "note": {"size": 1, "sha256": hashlib.sha256(b"n").hexdigest()},
    }
    assert {"python", "uqs"} <= set(manifest.versions)
    assert manifest.seconds > 0


def test_a_cell_that_was_not_made_has_no_manifest(store: Store) -> None:
    assert store.manifest("0" * 16) is None


def test_work_that_fails_leaves_nothing(store: Store) -> None:
    def fail(cell: Cell, inputs: dict[str, Path], out: Path) -> None:
        work(cell, inputs, out)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        make(Cell("base", "", {"model": "other"}, {}), store, fail)
    assert [folder.name for folder in store.cells.iterdir()] == [CELL.key]


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
        (lambda folder: rewrite(folder, key="1" * 16), "is of cell 1111"),
        (lambda folder: (folder / "note").unlink(), "note: is missing"),
        (lambda folder: (folder / "deep" / "weights").write_bytes(b"12"), "has 2 bytes, not 3"),
    ],
)
def test_damage_is_named(store: Store, damage: Callable[[Path], None], problem: str) -> None:
    damage(store.folder(CELL.key))
    with pytest.raises(DataError, match=problem):
        store.manifest(CELL.key)
    store.discard(CELL.key)
    assert not list(store.cells.iterdir())


def test_cleaning_removes_parts_alone(store: Store) -> None:
    (store.cells / ".part-1-1").mkdir()
    (store.cells / ".part-1-1" / "half").write_text("h")
    store.clean()
    assert [folder.name for folder in store.cells.iterdir()] == [CELL.key]


def test_one_holds_the_lock(tmp_path: Path) -> None:
    with Store(tmp_path).lock(), pytest.raises(UserError, match="in use by another"):
        Store(tmp_path).lock().__enter__()
    with Store(tmp_path).lock():
        pass
