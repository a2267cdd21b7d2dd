"""The audit of the published table against figures computed elsewhere."""

from __future__ import annotations

from importlib.resources import files
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from uqs.audit import audit
from uqs.audit.direction import aligned
from uqs.results.tables import from_dataframe
from uqs.stats.coefficients import tau_b

METRICS = ("FA", "RA", "MIA", "AD", "JS")


@pytest.fixture(scope="module")
def frame():
    return pd.read_csv(str(files("uqs.reproduction") / "multimodal_llava15_7b.csv"))


@pytest.fixture(scope="module")
def found(frame):
    return audit(frame, rng=np.random.default_rng(0)).to_dict()


def test_pooled_reliability_and_its_exact_p(found):
    entries = {item["metric"]: item for item in found["reliability"]}
    rho = {name: entries[name]["pooled"]["rho"] for name in METRICS}
    assert rho == pytest.approx(
        {"FA": -0.4177916, "RA": 0.4836532, "MIA": 0.2240160, "AD": -0.2153292, "JS": -0.0514801},
        abs=1e-7,
    )
    p = {name: entries[name]["pooled"]["p_exact"] for name in METRICS}
    assert p == pytest.approx(
        {"FA": 0.8333, "RA": 0.7083, "MIA": 0.8750, "AD": 0.6250, "JS": 0.5833}, abs=5e-5
    )
    stratified = {name: entries[name]["stratified"]["p_exact"] for name in METRICS}
    assert stratified == pytest.approx(
        {"FA": 0.75, "RA": 0.375, "MIA": 0.4583, "AD": 0.4583, "JS": 0.5}, abs=5e-5
    )
    assert entries["RA"]["pooled"]["sentinel_rho"] == pytest.approx(0.445, abs=5e-4)


def test_exact_p_of_the_stratified_tau(found):
    p = {(item["a"], item["b"]): item["stratified"]["p_exact"] for item in found["agreement"]}
    expected = (0.5, 0.5, 0.6667, 0.9167, 0.875, 0.6667, 0.2917, 0.9167, 0.3333, 0.1667)
    assert p == pytest.approx(dict(zip(combinations(METRICS, 2), expected, strict=True)), abs=5e-5)


def test_forget_and_retain_accuracy_reverse_their_sign(found):
    pair = next(item for item in found["agreement"] if (item["a"], item["b"]) == ("FA", "RA"))
    assert pair["pooled"]["tau_b"] == pytest.approx(-0.869, abs=5e-4)
    assert pair["stratified"]["tau_b"] == pytest.approx(0.421, abs=5e-4)
    assert pair["per_benchmark"]["mmubench"]["tau_b"] == pytest.approx(0.421, abs=5e-4)
    assert pair["stratified"]["groups_defined"] == 1
    assert pair["sign_reverses"]
    for benchmark in ("mllmu_bench", "unlok_vqa"):
        assert pair["per_benchmark"][benchmark] == {"tau_b": None, "n": 12, "status": "constant"}


def test_mean_aligned_pooled_tau(found):
    taus = [item["pooled"]["tau_b"] for item in found["agreement"]]
    assert len(taus) == 10
    assert np.mean(taus) == pytest.approx(-0.123, abs=5e-4)


def test_tau_over_benchmark_and_seed_groups(frame):
    panel = from_dataframe(frame)
    scores = {name: aligned(panel, name).values for name in METRICS}
    means, defined = {}, {}
    for a, b in combinations(METRICS, 2):
        taus = [
            tau_b(scores[a][rows], scores[b][rows]).value
            for benchmark in panel.benchmarks
            for seed in (42, 123, 5508)
            for rows in [(panel.benchmark == benchmark) & (panel.seed == seed)]
        ]
        known = [tau for tau in taus if tau is not None]
        means[a, b], defined[a, b] = np.mean(known), len(known)
    expected = {
        ("FA", "RA"): (0.471, 3),
        ("FA", "MIA"): (-0.496, 3),
        ("FA", "AD"): (-0.429, 3),
        ("FA", "JS"): (0.021, 3),
        ("RA", "AD"): (0.333, 3),
        ("RA", "JS"): (0.667, 3),
        ("MIA", "AD"): (0.035, 6),
        ("MIA", "JS"): (-0.222, 6),
        ("AD", "JS"): (0.444, 9),
    }
    for pair, (mean, groups) in expected.items():
        assert (means[pair], defined[pair]) == (pytest.approx(mean, abs=6e-4), groups)


def test_degenerate_cells_and_design(found):
    constant = {
        (i["benchmark"], i["metric"], i["value"])
        for i in found["degenerate"]
        if i["status"] == "constant"
    }
    assert constant == {
        ("mllmu_bench", "FA", 0.0),
        ("mllmu_bench", "RA", 0.02),
        ("unlok_vqa", "FA", 1.0),
        ("unlok_vqa", "RA", 1.0),
        ("unlok_vqa", "MIA", 0.0),
    }
    # seeds move the methods apart by as much as they lie apart
    assert {
        (i["benchmark"], i["metric"]) for i in found["degenerate"] if i["status"] == "unresolved"
    } == {("mmubench", "FA"), ("mmubench", "MIA")}
    design = found["design"]
    assert (design["cells"], design["methods"], design["benchmarks"], design["seeds"]) == (
        12,
        4,
        3,
        3,
    )
    assert design["arrangements"] == 24
    assert design["min_p"] == pytest.approx(1 / 24)
    assert not design["testable"]
    assert design["min_detectable_tau"] is None


def test_verdicts_come_in_plain_words(found):
    text = "\n".join(found["verdicts"])
    assert "FA and RA are constant on 2 of 3 benchmarks" in text
    assert "nothing can be said of them there" in text
    assert "No metric is shown to follow the oracle distance" in text


def test_too_few_methods_for_an_interval(found):
    for item in found["reliability"]:
        assert item["stratified"]["interval"] is None
        assert "4 methods" in item["stratified"]["interval_reason"]


def test_two_clusters_have_no_support(found):
    assert found["clusters"]["support"] < 0.5
    assert "have no support" in "\n".join(found["verdicts"])
