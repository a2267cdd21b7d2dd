"""Reads a file's bytes, unpacks them and decodes them as text."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

from uqs.errors import DataError
from uqs.results.foreign import looks_like

LARGEST = 2**31
"""The largest size in bytes that a compressed file may unpack to."""
PACKED = (".gz", ".bz2", ".xz")
_OPENERS: dict[bytes, tuple[str, Callable[[io.BytesIO], IO[bytes]]]] = {
    b"\x1f\x8b": ("gzip", lambda data: cast(IO[bytes], gzip.GzipFile(fileobj=data))),
    b"BZh": ("bzip2", lambda data: cast(IO[bytes], bz2.BZ2File(data))),
    b"\xfd7zXZ\x00": ("xz", lambda data: cast(IO[bytes], lzma.LZMAFile(data))),  # noqa: SIM115
}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_bytes(path: Path) -> bytes:
    """The file's bytes, unpacked from gzip, bzip2 or xz. Raises DataError for an unsupported kind of file."""
    if path.is_dir():
        raise DataError("is a folder, not a table", file=path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError("no such file", file=path) from None
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", file=path) from None
    for start, (name, opener) in _OPENERS.items():
        if data.startswith(start):
            data = _unpacked(data, name, opener, path)
            break
    if (words := looks_like(data)) is not None:
        raise DataError(f"looks like {words}", file=path)
    return data


def _unpacked(
    data: bytes, name: str, opener: Callable[[io.BytesIO], IO[bytes]], path: Path
) -> bytes:
    try:
        with opener(io.BytesIO(data)) as stream:
            found = stream.read(LARGEST + 1)
    except (OSError, EOFError, lzma.LZMAError, ValueError) as error:
        raise DataError(f"is not a readable {name} file ({error})", file=path) from None
    if len(found) > LARGEST:
        raise DataError(f"unpacks to more than {LARGEST >> 30} GiB", file=path)
    return found


def as_text(data: bytes, kind: str, path: Path) -> str:
    """Decode UTF-8, or UTF-16 or UTF-32 (found by mark or zero bytes); `kind` is the word in errors."""
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    if encoding is None:
        encoding = _without_mark(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        at = (
            f"byte {error.start + 1} is {data[error.start]:#04x}"
            if encoding == "utf-8"
            else encoding
        )
        raise DataError(f"is not a readable {kind} (not UTF-8: {at})", file=path) from None
    if "\x00" in text:
        raise DataError(f"is not a readable {kind} (it holds zero bytes)", file=path)
    return text


def _without_mark(data: bytes) -> str:
    """In UTF-16, every other byte of western text is zero."""
    start = data[:200]
    half = len(start) // 2
    if half > 1:
        if sum(byte == 0 for byte in start[1::2]) > 0.8 * half:
            return "utf-16-le"
        if sum(byte == 0 for byte in start[0::2]) > 0.8 * half:
            return "utf-16-be"
    return "utf-8"
