"""What is no table is said in one line, by what it looks like."""

from __future__ import annotations

import gzip
import io
import pickle
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from uqs.errors import DataError
from uqs.results.tables import read_table

CSV = "benchmark,method,seed,FA\nb,m,1,0.5\n"


def zipped(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, CSV)
    return stream.getvalue()


def sqlite(folder: Path) -> bytes:
    base = sqlite3.connect(folder / "base.db")
    base.execute("create table t (a)")
    base.commit()
    base.close()
    return (folder / "base.db").read_bytes()


def tarred() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        found = tarfile.TarInfo("t.csv")
        found.size = len(CSV)
        archive.addfile(found, io.BytesIO(CSV.encode()))
    return stream.getvalue()


def numpy_file() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros(3))
    return stream.getvalue()


class Trap:
    """Raises where it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return sprung, ()


def sprung() -> None:
    raise RuntimeError("unpickled")


FILES: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "xlsx": (lambda _: zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel file; save it as CSV"),
    "xls": (lambda _: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "an old Excel file"),
    "docx": (lambda _: zipped("word/document.xml"), "a Word document"),
    "zip": (lambda _: zipped("t.csv"), "a zip archive; unpack it"),
    "npz": (lambda _: zipped("a.npy"), "a NumPy archive"),
    "pt": (lambda _: zipped("model/data.pkl"), "a PyTorch file"),
    "npy": (lambda _: numpy_file(), "a NumPy array"),
    "tar": (lambda _: tarred(), "a tar archive"),
    "tar.gz": (lambda _: gzip.compress(tarred(), mtime=0), "a tar archive"),
    "html": (lambda _: b"\n<!DOCTYPE html><table></table>", "an HTML page"),
    "table.html": (lambda _: b"<table><tr></tr></table>", "an HTML table"),
    "xml": (lambda _: b"<?xml version='1.0'?><a/>", "an XML file"),
    "pdf": (lambda _: b"%PDF-1.7\n%\xe2\xe3", "a PDF file"),
    "pickle": (lambda _: pickle.dumps(Trap()), "a pickle, which is never opened"),
    "sqlite": (sqlite, "an SQLite database"),
    "pointer": (lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
                "a Git LFS pointer; run `git lfs pull`"),
    "png": (lambda _: b"\x89PNG\r\n\x1a\n" + bytes(50), "an image"),
    "jpg": (lambda _: b"\xff\xd8\xff\xe0" + bytes(50), "an image"),
    "feather": (lambda _: b"ARROW1\x00\x00" + bytes(50), "an Arrow or Feather file; save it as Parquet"),
    "zst": (lambda _: b"\x28\xb5\x2f\xfd" + bytes(50), "a file compressed by zstd"),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize(
    "name", ["table.csv", "table.json", "table.parquet", "table.xlsx", "table"]
)
def test_it_is_said_what_it_looks_like(tmp_path: Path, kind: str, name: str) -> None:
    make, words = FILES[kind]
    (tmp_path / name).write_bytes(make(tmp_path))
    with pytest.raises(DataError, match=f"looks like {words}") as caught:
        read_table(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is not a readable table"),
        (b"some words\n", "is not a readable table; a table may be CSV, TSV, JSON"),
        (gzip.compress(CSV.encode(), mtime=0)[:-9], "is not a readable gzip file"),
        (b"BZh9nothing", "is not a readable bzip2 file"),
        (b"\xfd7zXZ\x00nothing", "is not a readable xz file"),
        ("benchmark,méthod".encode("latin-1"), "not UTF-8: byte 12 is 0xe9"),
        (b"PAR1" + bytes(30), "is not a readable Parquet file"),
    ],
)  # fmt: skip
def test_what_looks_like_nothing(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "t.txt").write_bytes(content)
    with pytest.raises(DataError, match=problem) as caught:
        read_table(tmp_path / "t.txt")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("| Dataset | Method |\n|--|--|\n| a | b |\n", "looks like a Markdown table; name it .md"),
        (r"\begin{tabular}{l}a\end{tabular}", "looks like a LaTeX table; name it .tex"),
        ('[{"benchmark": "b"}]', "looks like JSON; name it .json"),
    ],
)
def test_a_table_under_another_name(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(DataError, match=problem):
        read_table(tmp_path / "t.csv")


def test_a_packed_file_may_not_unpack_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uqs.results.encoding.LARGEST", 1000)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(CSV.encode() * 1000, mtime=0))
    with pytest.raises(DataError, match="unpacks to more than"):
        read_table(tmp_path / "t.csv.gz")
