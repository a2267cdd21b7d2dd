"""Compares checkpoints by the content of their files."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

from uqs import io
from uqs.models.weight_files import StoredTensor, stored

_FROM_CONFIGURATION = ("position_ids", "inv_freq")
"""Buffers that older versions of transformers wrote; the configuration gives them."""


def content_hash(folder: Path, suffixes: tuple[str, ...], known: Path | None = None) -> str:
    """SHA-256 over the names and contents of a folder's files with these suffixes.

    `known`: a file that stores hashes of large files by path, size and modification time.
    """
    digest = hashlib.sha256()
    for file in sorted(file for file in folder.iterdir() if file.suffix in suffixes):
        digest.update(f"{file.name} {_file_hash(file, known)}\n".encode())
    return digest.hexdigest()


def same_weights(one: Path, other: Path, known: Path | None = None) -> bool:
    """Whether two model folders have the same weights, however these are divided into files and named.

    Names may be those of different versions of transformers (`models.layouts`). Raises DataError if a file is
    damaged.
    """
    if one == other:
        return True
    hashes = [content_hash(folder, (".safetensors",), known) for folder in (one, other)]
    return hashes[0] == hashes[1] or _same_tensors(one, other, *hashes)


@cache
def _same_tensors(one: Path, other: Path, _hash: str, _other_hash: str) -> bool:
    """Tensor by tensor, up to the first difference; the hashes are part of the cache's key."""
    mine, theirs = _by_layer(one), _by_layer(other)
    if mine.keys() != theirs.keys():
        return False
    pairs = [(mine[name], theirs[name]) for name in mine]
    return all(a.shape == b.shape for a, b in pairs) and all(_same(a, b) for a, b in pairs)


def _by_layer(folder: Path) -> dict[str, StoredTensor]:
    from uqs.models.layouts import layer_name

    return {
        layer_name(one.name): one
        for one in stored(folder)
        if not one.name.endswith(_FROM_CONFIGURATION)
    }


def _same(one: StoredTensor, other: StoredTensor) -> bool:
    """Whether two tensors have the same type and bytes."""
    import torch

    a, b = one.read(), other.read()
    return a.dtype == b.dtype and torch.equal(
        a.reshape(-1).view(torch.uint8), b.reshape(-1).view(torch.uint8)
    )


def _file_hash(file: Path, known: Path | None) -> str:
    about = file.stat()
    place = f"{file.resolve()} {about.st_size} {about.st_mtime_ns}"
    remembered = _remembered(known)
    if place in remembered:
        return str(remembered[place])
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if known is not None:
        known.parent.mkdir(parents=True, exist_ok=True)
        io.write_text(known, json.dumps(remembered | {place: found}, indent=0))
    return found


def _remembered(known: Path | None) -> dict[str, str]:
    """The stored hashes; empty if the file is missing or not JSON, because they can be computed again."""
    try:
        return dict(json.loads(known.read_text())) if known is not None else {}
    except (OSError, ValueError):
        return {}
