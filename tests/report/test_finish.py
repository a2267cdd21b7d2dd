from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace

import pytest
from rich.console import Console

from uqs import results
from uqs.errors import DataError
from uqs.report.finish import finish
from uqs.results.notes import NOTES, write_notes
from uqs.results.tables import read_table
from uqs.score import score


def finished(run, width: int = 160) -> str:
    """What `finish` prints."""
    out = io.StringIO()
    finish(run, Console(file=out, width=width, markup=False, highlight=False))
    return out.getvalue()


def test_it_prints_gates_verdicts_gaps_ranking_and_the_board(rows, make_run):
    run = make_run(rows)
    text = finished(run)
    parts = [
        "mmubench: passed (1 check)",
        "FA and RA are constant on 2 of 3 benchmarks",
        "Gap to the oracle on mllmu_bench",
        "UQS over 3 benchmarks",
        "Equal weights, in the published form: ",
        "Published form and weights: ",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert text.splitlines()[-1] == f"board: {run / 'board' / 'index.html'}"
    assert (run / "board" / "index.html").is_file()


def test_the_printed_scores_are_those_of_the_score(rows, make_run):
    run = make_run(rows)
    lines = finished(run).split("The evaluation protocol")[0].splitlines()
    panel = read_table(run / "results.parquet")
    for weights in ("equal", "published"):
        for one in score(panel, weights).methods:
            (line,) = [row for row in lines if f" {one.method} " in row and " ± " in row]
            assert f"{one.uqs:.3f} ± {one.se:.3f}" in line


def test_the_printed_gap_to_the_oracle(rows, make_run):
    text = finished(make_run(rows)).split("Gap to the oracle on unlok_vqa")[1]
    (line,) = [row for row in text.splitlines() if "salun" in row][:1]
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    distance = 66.3125  # mean AD of the three runs of the published rows
    assert cells[1] == "+0.790"
    assert cells[4] == f"{distance / 0.5:.1f}\N{MULTIPLICATION SIGN}"


def test_the_analysis_is_strict_json(rows, make_run):
    run = make_run(rows)
    finished(run)
    found = json.loads(
        (run / "report" / "analysis.json").read_text(),
        parse_constant=lambda word: pytest.fail(f"{word} is no JSON"),
    )
    assert set(found) == {
        *("gates", "score", "means", "cautions", "notes", "audit", "ladders", "protocol"),
    }
    assert found["ladders"] == []  # this run has no references
    assert found["gates"]["mmubench"]["passed"] is True
    ranked = found["score"]["overall"]["equal"]["methods"]
    assert [one["rank"] for one in ranked] == [1, 2, 3, 4]
    assert found["score"]["overall"]["published"]["weights"]["RA"] == pytest.approx(0.6556505)


def test_a_failed_gate_is_named_and_the_rest_is_ranked(rows, make_run, failing):
    text = finished(make_run(failing(rows, "mmubench"), failed=["mmubench"]))
    assert "mmubench: FAILED" in text
    assert "The oracle must know the retain set: oracle 0 has 0.910" in text
    assert "Gap to the oracle on mmubench" not in text
    assert "UQS over 2 benchmarks" in text
    assert "mmubench has no measured model" in text


def test_an_oracle_that_was_left_out_is_named_and_its_benchmark_is_ranked(rows, make_run, dropping):
    text = finished(make_run(dropping(rows, "mmubench"), dropped=["mmubench"]))
    said = "mmubench: passed, but oracle 1 was left out; 1 oracle left, so there is no noise floor"
    assert said in text
    assert "know hardly any forget entity: oracle 1 has 0.250; asked for: below 0.125" in text
    assert "UQS over 3 benchmarks" in text
    table = text.split("Gap to the oracle on mmubench")[1].split("Gap to the oracle on")[0]
    (line,) = [row for row in table.splitlines() if "salun" in row][:1]
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    assert cells[4:6] == ["no noise floor"] * 2
    assert "no oracle" not in table


def test_when_every_gate_failed_nothing_is_ranked(rows, make_run, failing):
    for benchmark in ("mllmu_bench", "mmubench", "unlok_vqa"):
        rows = failing(rows, benchmark)
    text = finished(make_run(rows, failed=["mllmu_bench", "mmubench", "unlok_vqa"]))
    assert text.count("FAILED") == 3
    assert "cannot be ranked: no benchmark passed its gates." in text
    assert "Gap to the oracle" not in text


def test_one_method_cannot_be_ranked(rows, make_run):
    one = [row for row in rows if row.role != "unlearned" or row.method == "salun"]
    text = finished(make_run(one))
    assert "cannot be ranked: a ranking needs two methods or more" in text


def test_without_gates_or_oracles(rows, make_run):
    run = make_run([row for row in rows if row.role != "oracle"])
    (run / "gates.json").unlink()
    text = finished(run)
    assert "The run contains no gates." in text
    assert "no oracle" in text


def test_nothing_half_written_remains(rows, make_run):
    run = make_run(rows)
    (run / "gates.json").write_text("{")
    with pytest.raises(DataError, match=r"gates\.json"):
        finished(run)
    assert sorted(path.name for path in run.iterdir()) == ["gates.json", "results.parquet"]


def test_notes_of_the_run_are_on_the_page(rows, make_run):
    run = make_run(rows)
    write_notes(run, ["nothing is replayed", "own: 2 pairs of <b>Bo</b> left out"])
    finished(run)
    page = (run / "board" / "index.html").read_text()
    header = page.split("<header>")[1].split("</header>")[0]
    assert "<li>nothing is replayed</li>" in header
    assert "<li>own: 2 pairs of &lt;b&gt;Bo&lt;/b&gt; left out</li>" in header
    analysis = json.loads((run / "report" / "analysis.json").read_text())
    assert analysis["notes"] == ["nothing is replayed", "own: 2 pairs of <b>Bo</b> left out"]


@pytest.mark.parametrize("text", ["{", '{"a": 1}', "[1]"])
def test_notes_that_are_none(rows, make_run, text):
    run = make_run(rows)
    (run / NOTES).write_text(text)
    with pytest.raises(DataError, match=r"notes\.json"):
        finished(run)
    assert not (run / "board").exists()


def test_a_run_without_results(tmp_path):
    with pytest.raises(DataError, match=r"results\.parquet: no such file"):
        finish(tmp_path)


def test_equal_results_give_equal_bytes(rows, make_run):
    """Neither row order, nor times, nor the hashing of words shows."""
    slower = [replace(row, seconds=row.seconds + 9) for row in reversed(rows)]
    runs = [make_run(rows, name="a"), make_run(slower, name="b")]
    for seed, run in enumerate(runs):
        program = "import sys; from pathlib import Path; from uqs.report.finish import finish;"
        program += "finish(Path(sys.argv[1])); assert 'torch' not in sys.modules"
        environment = {"PYTHONHASHSEED": str(seed)}
        subprocess.run(
            [sys.executable, "-c", program, str(run)],
            check=True,
            capture_output=True,
            env=environment,
        )
    for name in ("board/index.html", "report/analysis.json"):
        assert (runs[0] / name).read_bytes() == (runs[1] / name).read_bytes()


def test_the_results_are_left_as_they_are(rows, make_run):
    run = make_run(rows)
    before = (run / "results.parquet").read_bytes()
    finished(run)
    assert (run / "results.parquet").read_bytes() == before
    assert results.read(run / "results.parquet")
