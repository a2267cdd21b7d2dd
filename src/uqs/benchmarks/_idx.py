"""IDX files, gzipped, as MNIST and its kin are released. Source: yann.lecun.com/exdb/mnist, "file format"."""

from __future__ import annotations

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from uqs.benchmarks import _folders
from uqs.errors import DataError

_BYTES = 0x08
"""The code of unsigned bytes; the formats of other numbers are not used by these releases."""


def read_idx(file: Path, axes: int, most: int) -> NDArray[np.uint8]:
    """An array of unsigned bytes with so many axes, of at most `most` bytes; DataError where it is none."""
    _folders.refuse_pointer(_folders.read_bytes(file)[:100], file)
    try:
        with gzip.open(file) as stream:
            data = stream.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"is not a readable gzip file ({error})", file=file) from None
    if len(data) > most:
        raise DataError(f"unpacks to more than {most} bytes", file=file)
    begin = 4 + 4 * axes
    if len(data) < begin or data[:4] != bytes((0, 0, _BYTES, axes)):
        raise DataError(f"is no IDX file of unsigned bytes with {axes} axes", file=file)
    shape = tuple(int(n) for n in np.frombuffer(data[4:begin], dtype=">u4"))
    if prod(shape) != len(data) - begin:
        raise DataError(
            f"says {' x '.join(map(str, shape))} and holds {len(data) - begin} bytes", file=file
        )
    return np.frombuffer(data[begin:], dtype=np.uint8).reshape(shape)
