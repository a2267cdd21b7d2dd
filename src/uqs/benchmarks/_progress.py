"""How far the reading of a large edition is, shown where the caller gave a display."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

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


@contextmanager
def fetching(what: str, files: int, size: int) -> Iterator[type[Any]]:
    """Say what is fetched; inside the block the hub's client draws bars by the class that is given: on the
    display, or where there is none its own."""
    from tqdm.auto import tqdm  # type: ignore[import-untyped]

    shown = _display.get()
    if shown is None:
        yield tqdm
        return
    display: Display = shown
    display.line(f"fetching {what}: {files} files, {size / 1e6:.0f} MB")

    class Bytes(tqdm):  # type: ignore[misc]
        def display(self, *_: Any, **__: Any) -> None:
            if self.unit == "B":
                display.show(f"fetching {what} (MB)", int(self.n / 1e6), max(1, round(size / 1e6)))

    yield Bytes


def step(file: Path, done: int, total: int) -> None:
    """So many of the file's rows are read."""
    display = _display.get()
    if display is not None:
        display.show(f"reading {file.parent.name}/{file.name}", done, total)
