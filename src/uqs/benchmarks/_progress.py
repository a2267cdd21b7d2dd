"""How far the reading of a large edition is, shown where the caller gave a display."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from uqs.progress import Display

LARGE = 50_000_000
"""Bytes of a file from which on its reading is shown."""
_display: ContextVar[Display | None] = ContextVar("display", default=None)


@contextmanager
def shown_by(display: Display | None) -> Iterator[None]:
    """Show what is read inside the block; loaders, which others write too, need no argument for it."""
    token = _display.set(display)
    try:
        yield
    finally:
        _display.reset(token)


def begin(file: Path, size: int) -> None:
    """A line where there is no bar: a large file is being read."""
    display = _display.get()
    if display is not None and not display.bars and size >= LARGE:
        display.line(f"reading {file.parent.name}/{file.name} ({size / 1e6:.0f} MB)")


def step(file: Path, done: int, total: int) -> None:
    """So many of the file's rows are read."""
    display = _display.get()
    if display is not None:
        display.show(f"reading {file.parent.name}/{file.name}", done, total)
