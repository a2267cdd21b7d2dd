"""Which host a process runs on, and whether it sees what a run needs."""

from __future__ import annotations

import platform
import uuid
from functools import cache
from pathlib import Path

from uqs.errors import UserError

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@cache
def host() -> str:
    """The host's name, for people."""
    return platform.node() or "an unnamed host"


@cache
def boot() -> str:
    """What processes under one kernel have in common, in containers too: since when it runs."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:  # no Linux
        return f"{host()}-{uuid.getnode():x}"


def require_folder(folder: Path, what: str) -> None:
    """Raise UserError, with the host, unless it sees a folder."""
    if not folder.is_dir():
        raise UserError(f"{host()} has no folder {folder.absolute()}, {what}")
