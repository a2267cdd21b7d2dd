"""Several files of one folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from uqs import io
from uqs.errors import UserError


def write_all(out: Path, files: Mapping[str, bytes]) -> None:
    """Write files by name into a folder, which is made. UserError where that cannot be done."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{out}: no folder can be made here ({error.strerror or error})") from error
    for name, content in files.items():
        io.write_bytes(out / name, content)
