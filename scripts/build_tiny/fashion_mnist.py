"""Write fashion_mnist:tiny: the first pictures of each class of Fashion-MNIST, in the release's own files.

python scripts/build_tiny/fashion_mnist.py /usr/share/datasets/fashion-mnist OUT
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

OF_EACH_CLASS = {"train": 150, "t10k": 100}


def main(source: Path, out: Path) -> None:
    """Take the first pictures of each class, in their order."""
    out.mkdir(parents=True, exist_ok=True)
    for part, count in OF_EACH_CLASS.items():
        images = unpacked(source / f"{part}-images-idx3-ubyte.gz")[16:].reshape(-1, 28, 28)
        labels = unpacked(source / f"{part}-labels-idx1-ubyte.gz")[8:]
        kept = np.sort(np.concatenate([np.flatnonzero(labels == k)[:count] for k in range(10)]))
        write(out / f"{part}-images-idx3-ubyte.gz", images[kept])
        write(out / f"{part}-labels-idx1-ubyte.gz", labels[kept])


def unpacked(file: Path) -> NDArray[np.uint8]:
    """The bytes of a gzip file."""
    return np.frombuffer(gzip.decompress(file.read_bytes()), dtype=np.uint8)


def write(file: Path, values: NDArray[np.uint8]) -> None:
    """An IDX file, without the time of writing."""
    head = bytes((0, 0, 8, values.ndim)) + np.array(values.shape, dtype=">u4").tobytes()
    file.write_bytes(gzip.compress(head + values.tobytes(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
