from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import friedmanchisquare, kendalltau

from uqs.audit import audit
from uqs.audit.do_nothing import do_nothing
from uqs.audit.strength import at_one_strength, strength_effects
from uqs.audit.verdicts import do_nothing_sentences
from uqs.results.panel import Panel
from uqs.stats.coefficients import tau_b

STRENGTHS = ("weak", "medium", "strong")


def panel(values, methods=8, benchmarks=("a", "b"), **known) -> Panel:
    """Every method at three strengths on every benchmark; values `(benchmarks, methods, strengths)`."""
    rows = [(b, f"m{m:02}@{s}") for b in benchmarks for m in range(methods) for s in STRENGTHS]
    benchmark, method = (np.array(column) for column in zip(*rows, strict=True))
    arrays = {name: np.asarray(cube, dtype=float).ravel() for name, cube in values.items()}
    better = known.pop("better", dict.fromkeys(values, "higher"))
    return Panel(benchmark, method, np.zeros(len(rows), dtype=np.int64), arrays, better, **known)


def draw(rng, methods=8, shift=0.0):
    return (
        rng.normal(size=(2, methods, 1)) + shift * np.arange(3) + rng.normal(size=(2, methods, 3))
    )


def test_strengths_come_in_their_usual_order_and_methods_without_them():
    table = panel({"X": draw(np.random.default_rng(0))})
    assert table.strengths == STRENGTHS
    assert set(table.whole_method.tolist()) == {f"m{m:02}" for m in range(8)}


def test_a_strength_effect_is_found_and_its_means_are_those_of_ranks():
    table = panel({"X": draw(np.random.default_rng(1), shift=3.0)})
    (found,) = strength_effects(table, table.values, np.random.default_rng(0))
    assert list(found.mean_ranks) == list(STRENGTHS)
    assert (found.methods, found.benchmarks) == (8, 2)
    assert found.mean_ranks["weak"] < 0.35 < 0.65 < found.mean_ranks["strong"]
    assert np.mean(list(found.mean_ranks.values())) == pytest.approx(0.5)
    assert found.p < 0.01


def test_without_an_effect_it_is_rejected_at_the_level():
    rng = np.random.default_rng(2)
    p = []
    for _ in range(200):
        table = panel({"X": draw(rng)})
        (found,) = strength_effects(table, table.values, rng)
        p.append(found.p)
    assert np.mean(np.array(p) <= 0.05) <= 0.1


def test_it_sees_what_friedmans_test_sees():
    rng = np.random.default_rng(3)
    for shift in (0.0, 0.4, 0.8):
        cube = draw(rng, methods=12, shift=shift)[:1]
        table = panel({"X": cube}, methods=12, benchmarks=("a",))
        (found,) = strength_effects(table, table.values, rng)
        friedman = friedmanchisquare(*cube[0].T).pvalue
        assert (found.p < 0.2) == (friedman < 0.2) or abs(found.p - friedman) < 0.15


def test_a_method_that_lacks_a_strength_takes_no_part():
    cube = draw(np.random.default_rng(4))
    cube[0, 0, 2] = np.nan
    table = panel({"X": cube})
    (found,) = strength_effects(table, table.values, np.random.default_rng(0))
    assert found.methods == 7


def test_association_at_one_strength_is_the_mean_over_benchmarks_and_strengths():
    rng = np.random.default_rng(5)
    x, y = draw(rng), draw(rng)
    table = panel({"X": x, "Y": y})
    found = at_one_strength(table, table.values["X"], table.values["Y"], tau_b)
    slow = [kendalltau(x[b, :, s], y[b, :, s]).statistic for b in range(2) for s in range(3)]
    assert found.value == pytest.approx(np.mean(slow))
    assert found.groups_defined == 6


def test_what_strength_alone_relates_is_said_to_be_so():
    rng = np.random.default_rng(6)
    cubes = {
        name: 6 * np.arange(3) + rng.normal(size=(2, 12, 3)) for name in ("FA", "oracle_distance")
    }
    better = {"FA": "lower", "oracle_distance": "lower"}
    found = audit(panel(cubes, methods=12, better=better), rng=rng, resamples=999)
    (item,) = found.reliability
    assert item.rho.stratified.value > 0.7
    assert abs(item.one_strength.value) < 0.4
    # whole methods exchanged: what all methods do with strength is no agreement of methods
    assert item.test.p > 0.01
    assert any(text.startswith("Strength moves") and "FA" in text for text in found.verdicts)


def test_relations_are_claimed_at_one_strength_and_no_more():
    """X and Y share the strength alone, and so do X and the distance; Z is X with a little noise."""
    rng = np.random.default_rng(5)
    x = draw(rng, methods=12, shift=4.0)
    values = {
        "X": x,
        "Y": draw(rng, methods=12, shift=4.0),
        "Z": x + 0.1 * rng.normal(size=x.shape),
        "oracle_distance": -draw(rng, methods=12, shift=4.0),
    }
    better = {"X": "higher", "Y": "higher", "Z": "higher", "oracle_distance": "lower"}
    found = audit(panel(values, methods=12, better=better), rng=rng, resamples=999)
    by_pair = {(item.a, item.b): item for item in found.agreement}
    apart = by_pair["X", "Y"]
    assert apart.tau.stratified.value > 0.4
    assert abs(apart.one_strength.value) < 0.2
    assert (apart.shown, by_pair["X", "Z"].shown) == (0, 1)
    assert all(item.shown == 0 for item in found.reliability)
    said = " ".join(found.verdicts)
    assert (
        "Shown to agree on the order of the methods at one strength (Benjamini-Hochberg, 5%): X-Z."
        in said
    )
    assert (
        "No metric is shown to follow the oracle distance within benchmarks at one strength."
        in said
    )
    lost = [
        item.metric
        for item in found.reliability
        if item.p_adjusted is not None and item.p_adjusted <= 0.05
    ]
    assert ("Over all strengths" in said) == bool(lost)
    assert "1 are shown to agree on the order of methods at one strength and 0" in " ".join(
        found.in_short
    )


def test_no_strengths_no_sentence_about_them():
    rng = np.random.default_rng(7)
    rows = [(f"m{m}", s) for m in range(6) for s in range(2)]
    method, seed = (np.array(column) for column in zip(*rows, strict=True))
    values = {"FA": rng.normal(size=12), "RA": rng.normal(size=12)}
    table = Panel(np.full(12, "b"), method, seed, values, dict.fromkeys(values, "higher"))
    found = audit(table, rng=rng, resamples=99)
    assert found.strengths == ()
    assert found.agreement[0].one_strength is None
    assert not any("trength" in text for text in found.verdicts)


@pytest.mark.parametrize(("original", "rewarded"), [(0.1, True), (5.0, False)])
def test_doing_nothing_is_rewarded_where_the_original_is_as_near_as_the_methods(original, rewarded):
    cube = np.linspace(1, 2, 48).reshape(2, 8, 3)
    table = panel(
        {"oracle_distance": cube},
        better={"oracle_distance": "lower"},
        originals={(b, "oracle_distance"): np.array([original]) for b in "ab"},
    )
    found = list(do_nothing(table))
    assert [item.rewarded for item in found] == [rewarded] * 2
    assert [item.nearer for item in found] == [0 if rewarded else 24] * 2
    sentences = list(do_nothing_sentences(found, "oracle_distance"))
    assert bool(sentences) == rewarded
    if rewarded:
        assert "rewards doing nothing on 2 of 2 benchmarks" in sentences[0]
        assert "0 of 24 and 0 of 24 methods are nearer" in sentences[0]


def test_without_an_original_nothing_is_said_of_doing_nothing():
    table = panel({"oracle_distance": np.ones((2, 8, 3))}, better={"oracle_distance": "lower"})
    assert list(do_nothing(table)) == []
