"""Files and folders appear whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from uqs import io
from uqs.errors import UserError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_text_is_utf_8_with_its_own_line_ends(tmp_path: Path) -> None:
    io.write_text(tmp_path / "a.txt", "é\r\n\n")
    assert (tmp_path / "a.txt").read_bytes() == b"\xc3\xa9\r\n\n"
    assert names(tmp_path) == ["a.txt"]


def test_a_parquet_table_reads_back(tmp_path: Path) -> None:
    io.write_parquet(tmp_path / "a.parquet", pa.table({"x": [1, 2]}))
    assert pq.read_table(tmp_path / "a.parquet").to_pydict() == {"x": [1, 2]}
    assert names(tmp_path) == ["a.parquet"]


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("old")
    with pytest.raises(KeyboardInterrupt), io.replacing(file) as part:
        part.write_text("half")
        assert part.parent == tmp_path  # a rename within one file system
        raise KeyboardInterrupt
    assert file.read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_a_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("old")
    script = (
        "import os, sys; from pathlib import Path; from uqs import io\n"
        "with io.replacing(Path(sys.argv[1])) as part:\n"
        "    part.write_text('half'); os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(file)], check=False)
    assert file.read_text() == "old"
    assert all(name == "a" or name.startswith(io.PART) for name in names(tmp_path))


def test_content_is_on_the_disc_before_the_name_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    flush, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append("flush"), flush(handle)))
    monkeypatch.setattr(Path, "replace", lambda a, b: (done.append("rename"), replace(a, b)))
    io.write_text(tmp_path / "a", "x")
    assert done == ["flush", "rename"]


@pytest.mark.parametrize("write", ["text", "bytes", "parquet", "folder"])
def test_what_cannot_be_written_is_one_line_with_its_name(tmp_path: Path, write: str) -> None:
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / "out"
    with pytest.raises(UserError) as raised:
        match write:
            case "text":
                io.write_text(place, "x")
            case "bytes":
                io.write_bytes(place, b"x")
            case "parquet":
                io.write_parquet(place, pa.table({"x": [1]}))
            case "folder":
                with io.new_folder(place):
                    pass
    assert str(raised.value).startswith(f"{place}: cannot be written (")
    assert "\n" not in str(raised.value)
    assert names(tmp_path) == ["file"]


def test_a_full_disc_is_told_and_the_old_file_stays(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("old")
    with (
        pytest.raises(UserError, match=r"a: cannot be written \(No space"),
        io.replacing(file) as part,
    ):
        part.write_text("h")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert file.read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    place = tmp_path / "above" / "out"
    with io.new_folder(place) as part:
        (part / "below").mkdir()
        (part / "below" / "a").write_text("x")
        assert not place.exists()
    assert (place / "below" / "a").read_text() == "x"
    assert names(place.parent) == ["out"]


def test_a_folder_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), io.new_folder(tmp_path / "out") as part:
        (part / "a").write_text("x")
        raise ZeroDivisionError
    assert names(tmp_path) == []


def test_what_could_not_be_read_is_not_blamed_on_the_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), io.new_folder(tmp_path / "out"):
        (tmp_path / "none").read_text()


@pytest.mark.parametrize("shared", [True, False])
def test_a_folder_that_another_process_filled_stays(tmp_path: Path, shared: bool) -> None:
    place = tmp_path / "out"

    def fill() -> None:
        with io.new_folder(place, shared=shared) as part:
            (part / "a").write_text("mine")
            place.mkdir()
            (place / "a").write_text("theirs")

    if shared:
        fill()
    else:
        with pytest.raises(UserError, match="out: cannot be written"):
            fill()
    assert (place / "a").read_text() == "theirs"
    assert names(tmp_path) == ["out"]


def test_an_empty_folder_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with io.new_folder(tmp_path / "out") as part:
        (part / "a").write_text("x")
    assert names(tmp_path / "out") == ["a"]
