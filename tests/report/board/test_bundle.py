"""The packaged application fits its sources; npm is not needed to see that."""

from __future__ import annotations

import gzip
import re
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from uqs.report.board.live.typescript import source

BOARD = Path(__file__).parents[3] / "board"
BUNDLE = files("uqs.report.board").joinpath("live/app.js").read_bytes()
LIMIT = 250_000
"""Bytes of the application, compressed."""


def test_the_bundle_was_built_from_these_sources() -> None:
    names = [one.relative_to(BOARD) for one in (BOARD / "src").rglob("*") if one.is_file()]
    names += [Path(one) for one in ("package-lock.json", "tsconfig.json", "vite.config.ts")]
    found = sha256()
    for name in sorted(one.as_posix() for one in names):
        found.update(f"{name}\n".encode() + (BOARD / name).read_bytes() + b"\n")
    stated = re.search(rb"Sources: ([0-9a-f]{64})\n", BUNDLE)
    assert stated is not None
    assert stated[1].decode() == found.hexdigest(), "run: cd board && npm ci && npm run build"


def test_the_schema_is_the_same_on_both_sides() -> None:
    written = (BOARD / "src" / "schema.ts").read_text(encoding="utf-8")
    assert written == source(), "run: python scripts/board_schema.py"


def test_the_bundle_is_small_and_can_stand_in_a_script_element() -> None:
    assert len(gzip.compress(BUNDLE)) < LIMIT
    assert b"</script" not in BUNDLE.lower()
    assert b"<!--" not in BUNDLE


def test_the_bundle_keeps_the_licences_of_its_libraries() -> None:
    head = BUNDLE[: BUNDLE.index(b"*/")].decode()
    for name in ("preact", "@tanstack/table-core", "@observablehq/plot", "d3-scale", "internmap"):
        assert re.search(rf"(^|, ){re.escape(name)} \d", head, re.MULTILINE), name
    assert "Permission is hereby granted" in head
    assert "Permission to use, copy, modify" in head
