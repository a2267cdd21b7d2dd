"""The packaged figures of the published study are those of today; later findings are checked by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from uqs.report.board.published import computed, packaged
from uqs.reproduction.reproduce import reproduce

RECIPE = "run: python scripts/board_published.py"


@pytest.fixture(scope="module")
def made():
    return json.loads(json.dumps(computed(reproduce(np.random.default_rng(0)))))


def test_the_packaged_file_is_of_today(made):
    kept = packaged()
    for name in ("figures", "later"):
        assert len(made[name]) == len(kept[name]), RECIPE
        for one, other in zip(made[name], kept[name], strict=True):
            for field, value in one.items():
                expected = (
                    pytest.approx(other[field], abs=1e-8)
                    if isinstance(value, float)
                    else other[field]
                )
                assert value == expected, f"{field}: {RECIPE}"
    for name in ("runs", "always", "unlike"):
        assert made[name] == kept[name], RECIPE


def test_every_printed_figure_comes_out_and_says_why_it_is_not_correct(made):
    assert len(made["figures"]) == 50
    assert all(one["agrees"] and one["why"] for one in made["figures"])


def test_the_later_findings(made):
    later = {one["what"]: one for one in made["later"]}
    assert later["tau-b of FA and RA within MMUBench"]["ours"] == pytest.approx(0.4215, abs=5e-5)
    # 1 of 15 pairs turned: 14 less 1 of 15; 1 + 5 orders that near, on either side, of 6!
    assert later["exact p of that tau-b"]["ours"] == pytest.approx(12 / 720)
    assert "12 of 720 orders" in later["exact p of that tau-b"]["why"]
    assert later["tau-b of AD and JS on 18 checkpoints"]["ours"] is None
    assert later["sum of these weights"]["ours"] == pytest.approx(1)


def test_every_published_run_has_a_reason_for_each_metric(made):
    assert len(made["runs"]) == 36
    metrics = set(made["runs"][0]["values"])
    benchmarks = {one["benchmark"] for one in made["runs"]}
    told = {(one["benchmark"], one["metric"]) for one in made["unlike"]}
    assert told == {(benchmark, metric) for benchmark in benchmarks for metric in metrics}
    # what the words say of constant values holds
    for one in made["runs"]:
        if one["benchmark"] == "unlok_vqa":
            assert (one["values"]["FA"], one["values"]["RA"], one["values"]["MIA"]) == (1, 1, 0)
        if one["benchmark"] == "mllmu_bench":
            assert (one["values"]["FA"], one["values"]["RA"]) == (0, 0.02)
