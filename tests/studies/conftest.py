"""A bench to run the toy study on."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rich.console import Console

from uqs import results
from uqs.studies.plan import Plan
from uqs.studies.run import RunOptions, run_plan

HERE = Path(__file__).parent


@dataclass
class Bench:
    """Runs the toy study in a folder of its own, in this process or another."""

    folder: Path
    toy: ModuleType

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    @property
    def store(self) -> Path:
        return self.runs / "toy"

    def rules(self, rules: Mapping[str, str]) -> None:
        """What jobs do, by a part of their label."""
        (self.folder / "rules.json").write_text(json.dumps(dict(rules)))

    def run(self, plan: Plan | None = None, workers: int = 2, slurm: bool = False) -> str:
        """Run the toy study here, or by workers as under Slurm; returns what it printed."""
        console = Console(file=io.StringIO(), width=200)
        options = RunOptions(self.runs, workers, plain=True, work="toy:run")
        if slurm:
            options = replace(options, executor="slurm", slurm=self.slurm_file())
        run_plan(plan or self.toy.plan(), options, console)
        assert isinstance(console.file, io.StringIO)
        return console.file.getvalue()

    def slurm_file(self) -> Path:
        """Workers start as processes of this machine."""
        file = self.folder / "slurm.yaml"
        file.write_text("cluster: local\nminutes: 5\n")
        return file

    def begin(self, workers: int = 2, slurm: bool = False) -> subprocess.Popen[str]:
        """Run it in another process, in a process group of its own."""
        further = [self.slurm_file()] if slurm else []
        return subprocess.Popen(
            [sys.executable, HERE / "toy.py", self.runs, str(workers), *further],
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def begun(self) -> Counter[str]:
        """How often each job was begun."""
        return Counter(line.split()[0] for line in self._journal())

    def pids(self) -> set[int]:
        """The processes that worked."""
        return {int(line.split()[1]) for line in self._journal() if line.count(" ")}

    def _journal(self) -> list[str]:
        journal = self.folder / "journal"
        return journal.read_text().splitlines() if journal.exists() else []

    def jobs(self) -> dict[str, bytes]:
        """Every file of every job, manifests without their times."""
        found = {}
        for file in sorted((self.store / "jobs").rglob("*")):
            if file.is_file():
                name = file.relative_to(self.store).as_posix()
                found[name] = _timeless(file) if file.name == "manifest.json" else file.read_bytes()
        return found

    def table(self) -> list[dict[str, Any]]:
        """The results table without its times."""
        rows = [asdict(row) for row in results.read(self.store / "results.parquet")]
        return [{name: row[name] for name in row if name != "seconds"} for row in rows]


def _timeless(manifest: Path) -> bytes:
    tree = json.loads(manifest.read_text())
    del tree["seconds"]
    return json.dumps(tree).encode()


@pytest.fixture
def new_bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Bench]:
    monkeypatch.syspath_prepend(HERE)

    def make() -> Bench:
        folder = tmp_path / f"bench{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        bench = Bench(folder, import_module("toy"))
        bench.rules({})
        return bench

    return make


@pytest.fixture
def bench(new_bench: Callable[[], Bench]) -> Bench:
    return new_bench()
