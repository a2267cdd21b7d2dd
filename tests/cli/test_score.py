"""`uqs score` on files."""

import json
from time import perf_counter

import pytest
import typer
from typer.testing import CliRunner

from uqs.cli.score import score as verb
from uqs.errors import DataError, UserError
from uqs.score import score

APP = typer.Typer(pretty_exceptions_enable=False)
APP.command()(verb)


def run(*arguments):
    return CliRunner().invoke(APP, [str(one) for one in arguments])


@pytest.fixture
def file(tmp_path, study):
    path = tmp_path / "study.csv"
    study.to_csv(path, index=False)
    return path


def test_json(file):
    result = run(file, "--weights", "published", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["methods"][0]["method"] == "gradient_ascent"
    assert found["methods"][0]["uqs"] == pytest.approx(0.6448, abs=5e-5)
    assert found["validation"]["status"] == "ok"


def test_printed_lines_fit_in_a_hundred_columns_and_are_plain(file):
    result = run(file, "--weights", "held-out")
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 100
    assert "\x1b" not in result.stdout
    for text in (
        "The measured noise allows 3 methods to be first",
        "UQS loses to method identity",
        "mllmu_bench: FA and RA are constant",
    ):
        assert text in " ".join(result.stdout.split())


def test_names_are_printed_as_they_are(tmp_path, table):
    table["method"] = "[red]" + table["method"] + "[/nope]"
    path = tmp_path / "odd.csv"
    table.to_csv(path, index=False)
    result = run(path)
    assert result.exit_code == 0
    assert "[red]m0[/nope]" in result.stdout


def test_calibrated_without_an_oracle_and_other_faults_are_user_errors(file, tmp_path):
    for arguments in (
        (file, "--form", "calibrated"),
        (file, "--form", "other"),
        (file, "--weights", tmp_path / "none.yaml"),
        (file, "--utility", "privacy"),
    ):
        assert isinstance(run(*arguments).exception, UserError)
    assert isinstance(run(tmp_path / "none.csv").exception, DataError)


def test_weights_file_and_utility(file, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("RA: 1\nFA: 1\n")
    found = json.loads(run(file, "--weights", path, "--json").stdout)
    assert found["weights"] == {"FA": 0.5, "RA": 0.5, "MIA": 0, "AD": 0, "JS": 0}
    assert found["weights_source"] == "mine.yaml"
    found = json.loads(run(file, "--utility", "privacy=1,utility=1", "--json").stdout)
    assert found["weights"] == {"FA": 0.25, "RA": 0.5, "MIA": 0.25, "AD": 0, "JS": 0}


def test_the_score_of_the_study_takes_less_than_a_second(study):
    start = perf_counter()
    score(study, "held-out", draws=10_000)
    assert perf_counter() - start < 1
