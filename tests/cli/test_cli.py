"""The command line: one clear line on stderr for what is wrong, and nothing heavy where nothing is to do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from uqs import __version__, cli, results
from uqs.studies.run import RunOptions, run_study

TOY = Path(__file__).parent.parent / "study"
STUDY = """name: small
benchmarks: [mmubench:tiny]
model: {name: tiny_llava}
methods: [salun]
seeds: [42]
metrics: [forget_accuracy]
"""


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


@pytest.fixture
def uqs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    def call(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["uqs", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return Said(int(ended.value.code or 0), printed.out, printed.err)

    return call


@pytest.fixture
def study(tmp_path: Path) -> Path:
    file = tmp_path / "small.yaml"
    file.write_text(STUDY)
    return file


def test_version_and_help(uqs: Callable[..., Said]) -> None:
    assert uqs("--version") == Said(0, f"uqs {__version__}\n", "")
    for arguments in ((), ("--help",)):
        shown = uqs(*arguments)
        assert shown.code == 0
        for verb in ("run", "validate", "ls", "tune", "unlearn", "audit", "score", "reproduce"):
            assert f" {verb} " in shown.out


@pytest.mark.parametrize(
    "verb", ["run", "validate", "ls", "tune", "unlearn", "audit", "score", "reproduce"]
)
def test_every_verb_explains_itself(uqs: Callable[..., Said], verb: str) -> None:
    shown = uqs(verb, "--help")
    assert (shown.code, shown.err) == (0, "")
    assert f"uqs {verb}" in shown.out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["rnu"], "Did you mean 'run'"),
        (["run"], "Missing argument 'STUDY'"),
        (["run", "s.yaml", "--wrokers", "2"], "No such option: --wrokers"),
        (["run", "s.yaml", "--workers", "0"], "Invalid value for '--workers'"),
        (["run", "none.yaml"], "none.yaml: no such file"),
        (["validate", "none.yaml"], "none.yaml: no such file"),
        (["ls", "method"], "did you mean 'methods'?"),
        (["tune", "studies/wide.yaml"], "Missing option '--out'"),
        (["unlearn", "--method", "npo"], "Missing option '--original'"),
        (["audit", "none.csv"], "none.csv"),
        (["score", "none.csv"], "none.csv"),
    ],
)
def test_what_is_wrong_is_one_line(
    uqs: Callable[..., Said], arguments: list[str], problem: str
) -> None:
    said = uqs(*arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert problem in said.err


@pytest.mark.parametrize("where", ["before", "after", "variable"])
def test_debug_shows_where(
    uqs: Callable[..., Said], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    if where == "variable":
        monkeypatch.setenv("UQS_DEBUG", "1")
    words = {"before": ["--debug", "ls", "x"], "after": ["ls", "x", "--debug"]}
    said = uqs(*words.get(where, ["ls", "x"]))
    assert said.code == 2
    assert "Traceback" in said.err
    assert said.err.splitlines()[-1].startswith("error: unknown kind 'x'")


def test_a_fault_is_no_users_error(
    uqs: Callable[..., Said], monkeypatch: pytest.MonkeyPatch, study: Path
) -> None:
    def fail(path: Path) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr("uqs.studies.run.plan_study", fail)
    said = uqs("validate", study)
    assert said == Said(1, "", "error: ZeroDivisionError: a fault (--debug shows where)\n")


def test_options_are_environment_variables(
    uqs: Callable[..., Said], monkeypatch: pytest.MonkeyPatch, study: Path
) -> None:
    monkeypatch.setenv("UQS_RUN_WORKERS", "many")
    said = uqs("run", study)
    assert said.code == 2
    assert "Invalid value for '--workers'" in said.err


def test_validate_says_what_would_run(uqs: Callable[..., Said], study: Path) -> None:
    said = uqs("validate", study)
    assert said.code == 0
    assert "models      1 original, 2 oracle, 1 unlearned" in said.out
    assert not (study.parent / "runs").exists()


def test_validate_checks_the_data(
    uqs: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    file = tmp_path / "s.yaml"
    file.write_text(STUDY.replace("mmubench:tiny", f"mmubench:{tmp_path / 'empty'}"))
    for verb in ("validate", "run"):
        said = uqs(verb, file)
        assert said.code == 2
        assert "empty" in said.err
    monkeypatch.chdir(tmp_path)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("kind", ["benchmarks", "models", "methods", "metrics", "probes"])
def test_ls_lists_one_kind_or_all(uqs: Callable[..., Said], kind: str) -> None:
    alone = uqs("ls", kind)
    assert alone.code == 0
    assert alone.out.splitlines()[0].strip() == kind
    assert alone.out in uqs("ls").out


def test_a_finished_study_needs_no_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, study: Path
) -> None:
    monkeypatch.syspath_prepend(TOY)
    (tmp_path / "rules.json").write_text("{}")
    folder = run_study(study, RunOptions(tmp_path / "runs", 1, plain=True, work="toy:run"))
    before = (folder / "results.parquet").read_bytes()
    assert len(results.read(folder / "results.parquet")) == 4 * 3 - 2
    script = (
        "import sys; from uqs.studies.run import *; from pathlib import Path\n"
        "run_study(Path(sys.argv[1]), RunOptions(Path(sys.argv[2])))\n"
        "heavy = {'torch', 'transformers', 'sklearn', 'statsmodels'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    again = subprocess.run(
        [sys.executable, "-c", script, study, tmp_path / "runs"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "cells exist, 0 to make" in again.stderr
    assert (folder / "results.parquet").read_bytes() == before
