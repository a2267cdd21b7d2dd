"""Whether a run's tables are those of its jobs already, so that a finished study need not be read again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import uqs
from uqs import io
from uqs.computation import installed
from uqs.records import MetricCard
from uqs.studies.plan import Plan
from uqs.studies.store import Manifest
from uqs.studies.verdict import GATES

FILE = "collected.json"
TABLES = ("results.parquet", "items.parquet", GATES)
_LIBRARIES = ("numpy", "pandas", "pyarrow", "scipy")


def key_of(plan: Plan, manifests: Iterable[Manifest], cards: Sequence[MetricCard]) -> str:
    """Hash of all that the tables depend on: plan, content of the jobs, metrics, and our own source."""
    digest = hashlib.sha256(_source())
    for part in (
        [installed(name) for name in _LIBRARIES],
        plan.study.model_dump(mode="json"),
        plan.models,
        plan.gates,
        plan.data_hashes,
        [(card.symbol, card.better, card.bounds, card.split) for card in cards],
    ):
        digest.update(repr(part).encode())
    for one in sorted(manifests, key=lambda each: each.key):
        digest.update(json.dumps(asdict(one), sort_keys=True, default=str).encode())
    return digest.hexdigest()


def known(run: Path, key: str) -> list[str] | None:
    """What could not be measured, if the tables in the run folder were made under this key; else None."""
    try:
        held = json.loads((run / FILE).read_text(encoding="utf-8"))
        if held["key"] == key and held["tables"] == _hashes(run):
            return list(held["problems"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # made by another version, or not at all
    return None


def remember(run: Path, key: str, problems: Sequence[str]) -> None:
    """Note under which key the tables in the run folder were made."""
    held = {"key": key, "tables": _hashes(run), "problems": list(problems)}
    io.write_text(run / FILE, json.dumps(held, indent=1))


def _hashes(run: Path) -> dict[str, str]:
    return {name: hashlib.sha256((run / name).read_bytes()).hexdigest() for name in TABLES}


def _source() -> bytes:
    """The package's own files: a change of any of them makes the tables anew."""
    top = Path(uqs.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(top.rglob("*.py")):
        digest.update(f"{file.relative_to(top)}\0".encode() + file.read_bytes())
    return digest.digest()
