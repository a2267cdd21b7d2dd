"""The reproduction as a whole: what it says, and what a person and a program get."""

import json
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from typer.testing import CliRunner

from uqs.cli.app import app
from uqs.report.reproduced import tree
from uqs.report.terminal import WIDTH
from uqs.reproduction.differences import differences
from uqs.reproduction.reproduce import reproduce
from uqs.score.figures import GROUPS, METRICS


@pytest.fixture(scope="module")
def found():
    return reproduce(np.random.default_rng(0))


@pytest.fixture(scope="module")
def json_tree(found):
    return json.loads(json.dumps(tree(found), allow_nan=False))


def test_every_printed_figure_comes_out(found):
    assert found.disagreements() == []
    assert {group: set(values) for group, values in found.reproduced.items()} == {
        group: set(values) for group, values in found.figures.printed.items()
    }


def test_a_figure_that_does_not_come_out_is_named(found):
    changed = {**found.reproduced, "rho": {**found.reproduced["rho"], "RA": 0.4837}}
    assert replace(found, reproduced=changed).disagreements() == ["rho.RA"]


def test_published_tree_has_full_precision(json_tree):
    published = json_tree["published"]
    assert published["modality"] == pytest.approx(
        {
            "multimodal": 0.08610242435087354,
            "unimodal": 0.15800946427223814,
            "gap": 0.0719070399213646,
        },
        abs=1e-12,
    )
    assert published["stability"] == pytest.approx(
        {"mean": 0.6466666666666667, "sd": 0.26170381901854023}, abs=1e-12
    )
    assert published["blip2"]["tau"] == {"FA-AD": None, "RA-AD": -1}
    assert sum(c["recovered"] for c in published["knowledge_recoverability"].values()) == 23
    assert json_tree["printed"]["tau"]["FA-RA"] == "0.8519"


def test_corrected_tree_has_the_published_keys_and_the_audit(json_tree):
    corrected = json_tree["corrected"]
    for group in GROUPS:
        assert set(corrected[group]) == set(json_tree["published"][group])
    assert set(corrected["tau"]) == {"-".join(pair) for pair in combinations(METRICS, 2)}
    for key in ("agreement", "reliability", "clusters", "degenerate", "design", "verdicts"):
        assert corrected[key]
    assert {"methods", "weights", "validation", "stability"} <= set(corrected["score"])


def test_corrected_values_are_what_correct_statistics_say(json_tree):
    corrected = json_tree["corrected"]
    assert corrected["tau"]["FA-RA"] == pytest.approx(0.421, abs=5e-4)
    assert corrected["modality"]["multimodal"] == pytest.approx(-0.123, abs=5e-4)
    assert corrected["modality"]["unimodal"] == pytest.approx(0.246, abs=5e-4)
    assert min(corrected["tau_p"].values()) > 0.05
    assert min(corrected["rho_p"].values()) > 0.05
    pooled = {
        one["metric"]: one["pooled"]["p_exact"]
        for one in corrected["reliability"]
        if one["target"] == "oracle_distance"
    }
    assert pooled == pytest.approx(
        {"FA": 0.8333, "RA": 0.7083, "MIA": 0.8750, "AD": 0.6250, "JS": 0.5833}, abs=5e-5
    )


def test_each_difference_has_one_line_that_says_why(found):
    lines = differences(found)
    assert len({(one.group, one.key) for one in lines}) == len(lines) == 50
    for one in lines:
        assert one.why
        assert "\n" not in one.why
    why = {(one.group, one.key): one.why for one in lines}
    assert "from -0.519 to +0.296" in why["tau", "FA-AD"]
    assert "from -0.111 to +0.741" in why["tau", "RA-MIA"]
    assert "exact p of the same pooled rho is 0.833" in why["rho_p", "FA"]


def test_fragility(json_tree):
    assert json_tree["row_order"]["FA-AD"] == pytest.approx(
        {"low": -0.519, "high": 0.296}, abs=5e-4
    )
    assert json_tree["weights_left_out"]["mllmu_bench"]["JS"] == pytest.approx(0.477, abs=5e-4)
    assert json_tree["first_share"]["exp"]["random_labels"] == pytest.approx(0.92, abs=0.01)


def test_same_answer_each_time(json_tree):
    again = tree(reproduce(np.random.default_rng(0)))
    assert json.dumps(again, sort_keys=True) == json.dumps(json_tree, sort_keys=True)


def test_command():
    result = CliRunner().invoke(app, ["reproduce", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["published"]["tau"]["FA-RA"] == pytest.approx(23 / 27)
    printed = CliRunner().invoke(app, ["reproduce"]).stdout
    assert max(map(len, printed.splitlines())) <= WIDTH
    assert "\x1b" not in printed
    text = " ".join(printed.split())
    assert "50 of 50 printed figures come out of the published rows." in text
    assert "NOT as printed" not in text
    assert "23 of 24 suppressed items recovered" in text
