"""Files and folders that appear whole: written under a temporary name beside their place, then renamed.

And the folder for what can be made again.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from uqs.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa

PART = ".part-"
"""How a temporary name begins; what is left under one belongs to a process that was killed."""
_PROCESS = secrets.token_hex(4)
"""Tells apart processes of several hosts or containers that have one number."""
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY)


def cache_folder() -> Path:
    """`$UQS_CACHE`, or `uqs` in the user's cache folder."""
    if chosen := os.environ.get("UQS_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "uqs"


def write_text(path: Path, text: str) -> None:
    """Write a text file as UTF-8, its line ends as they are."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, or leave what was there; UserError, naming the file, where it cannot be written."""
    with replacing(path) as part:
        part.write_bytes(content)


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write a Parquet table, or leave what was there; errors as of `write_bytes`."""
    import pyarrow.parquet as pq

    with replacing(path) as part:
        pq.write_table(table, part)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name for a file, which replaces `path`, flushed to the disc, when the block ends well.

    Whatever happens, nothing is left under the temporary name.
    """
    part = temporary(path)
    try:
        with _told(path, part):
            yield part
            flush(part)
            part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path, *, shared: bool = False) -> Iterator[Path]:
    """An empty folder under a temporary name, which becomes `path` when the block ends well.

    Folders above are made, and `path` may be an empty folder. Where it holds something by then it is left as
    it is: an error, unless it is `shared` by processes that all write the same. Whatever happens, nothing is
    left under the temporary name.
    """
    part = temporary(path)
    try:
        with _told(path, part):
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            yield part
            put_in_place(part, path, shared=shared)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def temporary(path: Path) -> Path:
    """The name, beside `path`, under which this process writes it."""
    return path.with_name(f"{PART}{path.name}-{os.getpid()}-{_PROCESS}")


def put_in_place(part: Path, path: Path, *, shared: bool = False) -> None:
    """Flush a folder and all it holds to the disc, then rename it; `shared` as for `new_folder`."""
    for inside in (*sorted(part.rglob("*")), part):
        flush(inside)
    try:
        part.rename(path)
    except OSError as error:
        if not (shared and error.errno in _TAKEN):
            raise
    flush(path.parent)


def flush(path: Path) -> None:
    """Wait until a file's or folder's content is on the disc."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _told(path: Path, part: Path) -> Iterator[None]:
    """An OSError of writing as a UserError that names the file the user knows; others pass."""
    try:
        yield
    except OSError as error:
        # an error of writing names no file, or one on the way to this one; an error of reading another
        names = [str(name) for name in (error.filename, error.filename2) if name is not None]
        ours = (n.startswith(str(part)) or str(path).startswith(n) for n in names)
        if names and not any(ours):
            raise
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from error
