"""The real command line in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from uqs.cli import main


@dataclass(frozen=True)
class Said:
    """How a call ended."""

    code: int
    out: str
    err: str


Uqs = Callable[..., Said]


@pytest.fixture
def uqs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Uqs:
    """`uqs ARGUMENTS`, as the console script calls it."""
    monkeypatch.setenv("UQS_CACHE", str(tmp_path / "cache"))

    def call(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["uqs", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return Said(ended.value.code, *capsys.readouterr())

    return call
