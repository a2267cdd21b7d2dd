"""`uqs score` on files."""

import json

import numpy as np
import pytest

from uqs.report.terminal import WIDTH
from uqs.results import Row, items, schema
from uqs.results.items import Item
from uqs.score import figures


@pytest.fixture
def study():
    return figures.multimodal()


@pytest.fixture
def file(tmp_path, study):
    path = tmp_path / "study.csv"
    study.to_csv(path, index=False)
    return path


def test_json(uqs, file):
    result = uqs("score", file, "--weights", "published", "--json")
    assert result.code == 0
    found = json.loads(result.out)
    assert found["methods"][0]["method"] == "gradient_ascent"
    assert found["methods"][0]["uqs"] == pytest.approx(0.6448, abs=5e-5)
    assert found["validation"]["status"] == "ok"


def test_printed_lines_fit_and_are_plain(uqs, file):
    result = uqs("score", file, "--weights", "held-out")
    assert result.code == 0
    assert max(map(len, result.out.splitlines())) <= WIDTH
    assert "\x1b" not in result.out
    for text in (
        "The measured noise allows 3 methods to be first",
        "UQS loses to method identity",
        "mllmu_bench: FA and RA are constant",
    ):
        assert text in " ".join(result.out.split())


def test_names_are_printed_as_they_are(uqs, tmp_path, study):
    study["method"] = "[red]" + study["method"] + "[/nope]"
    path = tmp_path / "odd.csv"
    study.to_csv(path, index=False)
    result = uqs("score", path)
    assert result.code == 0
    assert "[red]salun[/nope]" in result.out


def test_what_is_wrong_is_one_line(uqs, file, tmp_path):
    none = tmp_path / "none.yaml"
    for arguments, problem in (
        ((file, "--form", "calibrated"), "calibrated"),
        ((file, "--form", "other"), "Invalid value for '--form'"),
        ((file, "--weights", none), str(none)),
        ((file, "--utility", "privacy"), "privacy"),
        ((tmp_path / "none.csv",), "none.csv"),
    ):
        said = uqs("score", *arguments)
        assert (said.code, said.out) == (2, "")
        assert said.err.startswith("error: ")
        assert said.err.count("\n") == 1
        assert problem in said.err


def test_the_ranking_alone_or_all_tables(uqs, file):
    short, full = uqs("score", file).out, uqs("score", file, "--full").out
    assert short.count("┏") == 1
    for title in (
        "Weights",
        "Rank correlation with nearness to the oracle",
        "When the weights move",
    ):
        assert title in short.partition("More with --full: ")[2]
        assert f"\n{title}" in full
    assert "--full" not in full
    for line in ("The measured noise allows", "UQS loses to method identity"):
        assert line in " ".join(short.split())


def test_weights_file_and_utility(uqs, file, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("RA: 1\nFA: 1\n")
    found = json.loads(uqs("score", file, "--weights", path, "--json").out)
    assert found["weights"] == {"FA": 0.5, "RA": 0.5, "MIA": 0, "AD": 0, "JS": 0}
    assert found["weights_source"] == "mine.yaml"
    found = json.loads(uqs("score", file, "--utility", "privacy=1,utility=1", "--json").out)
    assert found["weights"] == {"FA": 0.25, "RA": 0.5, "MIA": 0.25, "AD": 0, "JS": 0}


def with_items(folder):
    """Three methods with FA on twelve entities, in one run each, and the items beside the table."""
    rng = np.random.default_rng(0)
    hard = rng.normal(0.5, 0.1, 12)
    rows, samples = [], []
    for m in range(3):
        values = hard + 0.1 * m + rng.normal(0, 0.01, 12)
        common = dict(
            benchmark="b", edition="", model="", role="unlearned", method=f"m{m}", strength=""
        )
        common |= dict(seed=0, oracle_seed=None, split="forget", metric="FA")
        samples += [
            Item(**common, id=f"q{e}", entity=f"e{e}", value=float(value))
            for e, value in enumerate(values)
        ]
        rest = dict(study="s", hyperparameters="{}", value=float(values.mean()), se=0.03, n=12)
        rest |= dict(status="ok", config_hash="", data_hash="", version="", device="", seconds=0.0)
        rows.append(Row(**common, **rest))
    items.write(samples, folder / "items.parquet")
    schema.write(rows, folder / "results.parquet")
    return folder / "results.parquet"


def test_questions_and_items(uqs, tmp_path):
    table = with_items(tmp_path)
    found = json.loads(uqs("score", table, "--questions", "other", "--json").out)
    assert [one["rank_interval"] for one in found["methods"]] == [[1, 1], [2, 2], [3, 3]]
    assert found["questions"] == "other"
    assert {"recovery", "off_ladder", "gates"} <= set(found)
    these = json.loads(uqs("score", table, "--json").out)
    assert these["questions"] == "these"
    assert {tuple(one["rank_interval"]) for one in these["methods"]} == {(1, 3)}
    moved = (tmp_path / "items.parquet").rename(tmp_path / "elsewhere.parquet")
    without = " ".join(uqs("score", table, "--questions", "other").out.split())
    assert "item noise of FA is taken as independent" in without
    given = uqs("score", table, "--questions", "other", "--items", moved).out
    assert "The items are paired" in " ".join(given.split())


def test_without_item_noise_other_questions_are_refused(uqs, file, tmp_path):
    said = uqs("score", file, "--questions", "other")
    assert said.code == 2
    assert "needs the items of the run" in said.err
    said = uqs("score", file, "--questions", "other", "--items", tmp_path / "none.parquet")
    assert "none.parquet: no such file" in said.err
