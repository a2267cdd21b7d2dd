"""docs/adding_a_metric.md is a working example: its blocks are run as they stand."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from uqs import registry, results
from uqs.cli import main
from uqs.metrics.base import Evidence, References
from uqs.metrics.catalogue import CARDS, metric_card, metric_class
from uqs.results.tables import read_table

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "adding_a_metric.md").read_text()
NAME = "my_metric.py:FirstToken"
Run = Callable[[str], str]


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return str(found)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder with the guide's file."""
    (tmp_path / "my_metric.py").write_text(block("python"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UQS_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def uqs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line, in this process: what it prints."""

    def run(command: str) -> str:
        monkeypatch.setattr(sys, "argv", shlex.split(command))
        with pytest.raises(SystemExit) as left:
            main()
        printed = capsys.readouterr()
        assert left.value.code == 0, printed.err
        return printed.out

    return run


def by_hand(model) -> float:  # type: ignore[no-untyped-def]
    """Mean over the samples of exp of the first gold token's log-probability, from whole distributions."""
    found = []
    for i in range(len(model)):
        at = int(model.offsets[i])
        found.append(float(np.exp(model.top_log_probs[at, model.gold_ids[at]])))
    return sum(found) / len(found)


def test_the_values_are_the_probabilities_of_first_tokens(here, make_trace) -> None:  # type: ignore[no-untyped-def]
    traces = {name: make_trace(name, seed) for seed, name in enumerate(("forget", "holdout"))}
    rows = list(metric_class(NAME)().measure(Evidence(traces), References()))
    assert [row.measurement.split for row in rows] == ["forget", "holdout"]
    for row in rows:
        expected = by_hand(traces[row.measurement.split])
        assert row.measurement.value == pytest.approx(expected, rel=1e-5)


def test_it_is_measured_audited_scored_and_shown(
    here: Path, uqs: Run, small: str, make_adapter
) -> None:  # type: ignore[no-untyped-def]
    for seed, name in enumerate(("M0", "M1", "M2", "R0")):
        make_adapter(here / name, seed)
    shutil.copytree(small.partition(":")[2], here / "DATA")
    measure, audit, score = block("sh").splitlines()
    shown = uqs(f"{measure} --max-new-tokens 2 --plain")
    (row,) = [
        one
        for one in results.read(here / "results.parquet")
        if (one.method, one.metric, one.split) == ("npo", "FIRST", "forget")
    ]
    assert row.value is not None
    assert 0 < row.value < 1
    assert "FIRST" in shown
    assert f"{row.value:.3f}" in next(line for line in shown.splitlines() if "npo" in line)
    panel = read_table(here / "results.parquet")
    assert panel.better["FIRST"] == "target"
    assert panel.values["FIRST"][panel.method == "npo"] == pytest.approx(row.value)
    assert "FIRST" in uqs(audit + " --resamples 50")
    assert re.search(r"\bnpo\b.*\n(.*\n)*.*\bdpo\b|\bdpo\b.*\n(.*\n)*.*\bnpo\b", uqs(score))


def test_a_study_runs_audits_scores_and_shows_it(here: Path, uqs: Run, small: str) -> None:
    shutil.copytree(small.partition(":")[2], here / "DATA")
    (here / "small.yaml").write_text(block("yaml"))
    shown = uqs("uqs run small.yaml --workers 1 --plain")
    assert "FIRST" in shown
    (run,) = (here / "runs").iterdir()
    rows = results.read(run / "results.parquet")
    found = {(row.role, row.split) for row in rows if row.metric == "FIRST"}
    roles, splits = ("original", "oracle", "unlearned"), ("forget", "retain", "holdout")
    assert found == {(role, split) for role in roles for split in splits}
    assert {row.status for row in rows if row.metric == "FIRST"} == {"ok"}
    assert "FIRST" in (run / "board/index.html").read_text()
    (here / "my_metric.py").unlink()
    assert "FIRST" in uqs(f"uqs audit {run / 'results.parquet'} --resamples 50")
    uqs(f"uqs score {run / 'results.parquet'}")


@pytest.fixture
def installed(here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The guide's file in a package with the guide's entry point, as pip would put it."""
    about = here / "my_metric-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my_metric\nVersion: 1.0\n")
    lines = []
    for group, points in tomllib.loads(block("toml"))["project"]["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {place}" for name, place in points.items())]
    (about / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(here)
    registry.names.cache_clear()
    yield
    registry.names.cache_clear()
    sys.modules.pop("my_metric", None)


def test_it_is_found_in_a_package(installed: None, here: Path, uqs: Run) -> None:
    assert metric_class("first_token").__module__ == "my_metric"
    assert CARDS["FIRST"] == metric_card(NAME)
    assert list(CARDS)[-1] == "FIRST"
    listed = next(line for line in uqs("uqs ls metrics").splitlines() if "│ FIRST " in line)
    assert [cell.strip() for cell in listed.split("│")][1:5] == [
        *("FIRST", "first_token", "target", "forget")
    ]
    table = [
        {"benchmark": "b", "method": f"m{i}", "seed": seed, "FIRST": (i + seed) / 10, "FA": i / 10}
        for i in range(4)
        for seed in range(2)
    ]
    (here / "wide.json").write_text(json.dumps(table))
    assert "FIRST" in uqs("uqs audit wide.json --resamples 50")


def test_every_file_that_the_guide_names_is_there() -> None:
    named = re.findall(r"`(?:src/uqs/)?((?:metrics|traces)/[\w/]+\.py|registry\.py)`", GUIDE)
    assert len(named) >= 5
    assert all((ROOT / "src" / "uqs" / name).is_file() for name in named)
    tests = re.findall(r"`(tests/[\w/]+\.py)`", GUIDE)
    assert tests
    assert all((ROOT / name).is_file() for name in tests)
    assert "def make_trace(" in (ROOT / "tests" / "conftest.py").read_text()
    for link in re.findall(r"\]\(([\w.]+)\)", GUIDE):
        assert (ROOT / "docs" / link).is_file()
