"""Checkpoints as a user lists them: a folder or hub id, optionally with its name in tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from uqs.checkpoints.find import Checkpoint, find
from uqs.errors import UserError
from uqs.records import Role

_NAME = re.compile(r"(?P<method>[A-Za-z0-9][\w.-]*)(?:@(?P<strength>[\w.-]+))?(?::(?P<seed>\d+))?")


@dataclass(frozen=True)
class NamedCheckpoint:
    """A checkpoint and its key in the results table."""

    role: Role
    method: str
    strength: str
    seed: int
    checkpoint: Checkpoint

    @property
    def label(self) -> str:
        """Its name in progress and errors."""
        if self.role is Role.ORIGINAL:
            return "original"
        if self.role is Role.ORACLE:
            return f"oracle {self.seed}"
        strength = f"@{self.strength}" if self.strength else ""
        return f"{self.method}{strength} seed {self.seed}"


def original(name: str | Path, base: str | Path | None) -> NamedCheckpoint:
    """The original model."""
    return NamedCheckpoint(Role.ORIGINAL, "original", "", 0, find(name, base))


def oracles(names: Iterable[str | Path], base: str | Path | None) -> list[NamedCheckpoint]:
    """Oracles, numbered in their order."""
    return [
        NamedCheckpoint(Role.ORACLE, "retrain", "", seed, find(name, base))
        for seed, name in enumerate(names)
    ]


def unlearned(names: Sequence[str | Path], base: str | Path | None) -> list[NamedCheckpoint]:
    """Unlearned models, each `FOLDER` or `METHOD[@STRENGTH][:SEED]=FOLDER`; by default the method is the
    folder's name. Raises UserError if two have the same name."""
    found = [_unlearned(name, base) for name in names]
    seen: set[tuple[str, str, int]] = set()
    for one in found:
        place = (one.method, one.strength, one.seed)
        if place in seen:
            raise UserError(
                f"two unlearned models are called {one.label!r}; write METHOD:SEED=FOLDER"
            )
        seen.add(place)
    return found


def _unlearned(name: str | Path, base: str | Path | None) -> NamedCheckpoint:
    given, _, folder = str(name).rpartition("=")
    if not given or Path(str(name)).is_dir():
        checkpoint = find(name, base)
        return NamedCheckpoint(Role.UNLEARNED, Path(str(name)).resolve().name, "", 0, checkpoint)
    parts = _NAME.fullmatch(given)
    if parts is None:
        raise UserError(f"{given!r} is not a valid name; write METHOD[@STRENGTH][:SEED]=FOLDER")
    return NamedCheckpoint(
        Role.UNLEARNED,
        parts["method"],
        parts["strength"] or "",
        int(parts["seed"] or 0),
        find(folder, base),
    )
