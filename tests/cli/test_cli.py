"""The command line: one clear line on stderr for what is wrong, and nothing heavy where nothing is to do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from uqs import __version__, results
from uqs.cli.app import app
from uqs.studies.run import JobFailedError, RunOptions, run_study

Uqs = Callable[..., Any]
TOY = Path(__file__).parent.parent / "studies"
VERBS = (
    "audit",
    "score",
    "reproduce",
    "measure",
    "trace",
    "unlearn",
    "tune",
    "validate",
    "run",
    "board",
    "figures",
    "tables",
    "ls",
)
HEAVY = (
    "torch", "transformers", "pandas", "scipy", "numpy", "pyarrow", "pydantic", "rich", "matplotlib",
)  # fmt: skip
UQS = "import sys; sys.argv[0] = 'uqs'; from uqs.cli import main; main()"
STUDY = """name: small
benchmarks: [mmubench:tiny]
model: {name: tiny_llava}
methods: [salun]
seeds: [42]
metrics: [forget_accuracy]
"""


def uqs_process(
    *arguments: str, code: str = UQS, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.fixture
def study(tmp_path: Path) -> Path:
    file = tmp_path / "small.yaml"
    file.write_text(STUDY)
    return file


def test_version_and_help(uqs: Uqs) -> None:
    said = uqs("--version")
    assert (said.code, said.out, said.err) == (0, f"uqs {__version__}\n", "")
    for arguments in ((), ("--help",)):
        shown = uqs(*arguments)
        assert (shown.code, shown.err) == (0, "")
        for verb in VERBS:
            assert f"\n  {verb} " in shown.out
    assert "..." not in shown.out.partition("Commands:")[2]  # every verb is told in one line


def test_every_verb_explains_itself_and_its_variables(uqs: Uqs) -> None:
    for verb in VERBS:
        shown = uqs(verb, "--help")
        assert (shown.code, shown.err) == (0, "")
        assert shown.out.startswith(f"Usage: uqs {verb} ")
        if verb != "validate" and verb != "ls":
            assert f"[env var: UQS_{verb.upper()}_" in " ".join(shown.out.split())


def test_there_is_one_application() -> None:
    """Each verb is a command of the one app, by the name of its function."""
    assert [one.callback.__name__ for one in app.registered_commands if one.callback] == list(VERBS)


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['uqs', '--help']; from uqs.cli.app import app\n"
        "app(standalone_mode=False)\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = uqs_process(code=code)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "[]"), done.stderr


def test_completion_can_be_installed_and_completes() -> None:
    # the shell is named and not looked for among the processes above, where `make` has sh
    named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    shown = uqs_process("--show-completion", "bash", **named)
    assert shown.returncode == 0, shown.stderr
    assert "_UQS_COMPLETE=complete_bash" in shown.stdout
    for typed, words, known in (
        ("uqs tr", 1, ["trace"]),
        ("uqs ls m", 2, ["models", "methods", "metrics"]),
        ("uqs score t.csv --form ", 4, ["published", "calibrated"]),
        ("uqs measure --per", 2, ["--per-sample"]),
    ):
        asked = {"COMP_WORDS": typed, "COMP_CWORD": str(words), "_UQS_COMPLETE": "complete_bash"}
        done = uqs_process(**asked)
        assert (done.returncode, done.stdout.split()) == (0, known), done.stderr


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
        (
            ["run", "studies/tiny.yaml", "--executor", "slurmm"],
            "Invalid value for '--executor': 'slurmm' is not one of 'local', 'ray', 'slurm'.",
        ),
    ],
)
def test_what_is_wrong_is_one_line(uqs: Uqs, arguments: list[str], problem: str) -> None:
    said = uqs(*arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert problem in said.err


@pytest.mark.parametrize("where", ["option", "variable"])
def test_debug_shows_where(uqs: Uqs, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    if where == "variable":
        monkeypatch.setenv("UQS_DEBUG", "1")
    said = uqs(*(["--debug"] if where == "option" else []), "ls", "x")
    assert said.code == 2
    assert "Traceback" in said.err
    assert said.err.splitlines()[-1].startswith("error: unknown kind 'x'")


def test_debug_shows_where_a_wrong_verb_was_found(uqs: Uqs) -> None:
    said = uqs("--debug", "rnu")
    assert said.code == 2
    assert "Traceback" in said.err


@pytest.mark.parametrize("value", ["0", "false", ""])
def test_debug_may_be_off_in_the_environment(
    uqs: Uqs, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("UQS_DEBUG", value)
    assert "Traceback" not in uqs("ls", "x").err


def test_debug_after_the_verb_says_where_it_stands(uqs: Uqs) -> None:
    said = uqs("ls", "x", "--debug")
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "error: No such option: --debug; put it before the command: uqs --debug ls ...\n"
    )


def test_a_fault_is_no_users_error(uqs: Uqs, monkeypatch: pytest.MonkeyPatch, study: Path) -> None:
    def fail(*given: object, **options: object) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr("uqs.studies.run.plan_study", fail)
    said = uqs("validate", study)
    hint = "('uqs --debug validate ...' shows where)"
    assert (said.code, said.out) == (1, "")
    assert said.err == f"error: ZeroDivisionError: a fault {hint}\n"
    assert "Traceback" in uqs("--debug", "validate", study).err


def test_an_interrupted_run_says_how_it_goes_on(
    uqs: Uqs, monkeypatch: pytest.MonkeyPatch, study: Path
) -> None:
    def interrupt(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("uqs.studies.run.run_study", interrupt)
    said = uqs("run", study)
    assert (said.code, said.out) == (130, "")
    assert said.err == "interrupted; the same command continues from the finished jobs\n"


def test_a_failed_cell_is_exit_code_1(
    uqs: Uqs, monkeypatch: pytest.MonkeyPatch, study: Path
) -> None:
    def fail(*given: object) -> None:
        raise JobFailedError("cell 'x' failed: y")

    monkeypatch.setattr("uqs.studies.run.run_study", fail)
    said = uqs("run", study)
    assert (said.code, said.out, said.err) == (1, "", "error: cell 'x' failed: y\n")


def test_options_are_environment_variables(
    uqs: Uqs, monkeypatch: pytest.MonkeyPatch, study: Path
) -> None:
    monkeypatch.setenv("UQS_RUN_WORKERS", "many")
    said = uqs("run", study)
    assert said.code == 2
    assert "Invalid value for '--workers'" in said.err


def test_a_variable_of_no_option_changes_nothing(
    uqs: Uqs, monkeypatch: pytest.MonkeyPatch, study: Path
) -> None:
    monkeypatch.setenv("UQS_VERSION", "0.3")
    assert uqs("validate", study).code == 0


def test_validate_says_what_would_run(uqs: Uqs, study: Path) -> None:
    said = uqs("validate", study)
    assert said.code == 0
    assert "models      1 original, 2 oracles, 1 unlearned model\n" in said.out
    assert (
        "note        mmubench:tiny: 3 of 14 different forget answers stand in what is" in said.out
    )
    assert not (study.parent / "runs").exists()


def test_validate_checks_a_benchmark_alone(uqs: Uqs, tmp_path: Path) -> None:
    said = uqs("validate", "mmubench:tiny")
    assert said.code == 0
    assert said.out.startswith("mmubench:tiny: the data are valid\nbenchmark   MMUBench, arXiv")
    assert "unlearning  forget 15 (entities: 5); retain 600 (entities: 10)\n" in said.out
    for word, problem in (
        (f"mmubench:{tmp_path}", "has no folders"),
        (f"mmubench:{tmp_path}/none", "no folder"),
        ("mmubenc:tiny", "mmubenc:tiny: no such file"),
    ):
        said = uqs("validate", word)
        assert said.code == 2
        assert problem in said.err
        assert said.err.count("\n") == 1


def test_ls_shows_the_cards_of_benchmarks(uqs: Uqs) -> None:
    said = " ".join(uqs("ls", "benchmarks").out.split())
    for words in (
        "TOFU (arXiv 2401.06121)",
        "licence: Apache-2.0",
        "licence: none stated",
        "problem: ",
    ):
        assert words in said


def test_validate_checks_the_data(
    uqs: Uqs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
def test_ls_lists_one_kind_or_all(uqs: Uqs, kind: str) -> None:
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
    assert "jobs exist, 0 to make" in again.stderr
    assert (folder / "results.parquet").read_bytes() == before
