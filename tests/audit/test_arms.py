"""Arms of small tables by hand, of the published rows, and of forms of questions; errors and words."""

from __future__ import annotations

import json
from importlib.resources import files
from itertools import product

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator
from scipy.stats import kendalltau

from uqs.audit.arm_words import LEAST, arm_sentences
from uqs.audit.arms import Arms, compare_arms
from uqs.audit.audit import audit_long
from uqs.errors import UserError
from uqs.records import Status
from uqs.reproduction.modality import published_arms, published_sentences, with_published
from uqs.results.tables import long_form
from uqs.score import figures

SCHEMA = json.loads((files("uqs.audit") / "audit.schema.json").read_text("utf-8"))
METHODS = "abcdefghij"


def table(methods: int, turned: bool, benchmarks: tuple[str, ...] = ("x", "y")) -> pd.DataFrame:
    """Arms `one` and `two`: FA and RA agree in the first; in the second they do so unless `turned`."""
    rows = []
    for benchmark, arm, (at, method), seed in product(
        benchmarks, ("one", "two"), enumerate(METHODS[:methods]), (0, 1)
    ):
        away = -1 if turned and arm == "two" else 1
        rows.append(
            {
                "benchmark": benchmark,
                "arm": arm,
                "method": method,
                "seed": seed,
                "FA": 0.9 - 0.05 * at,
                "RA": 0.5 + away * 0.04 * at + 0.001 * seed,
                "MIA": 0.3 + 0.02 * ((3 * at) % methods),
            }
        )
    return pd.DataFrame(rows)


def compared(frame: pd.DataFrame, by: str = "arm") -> Arms:
    return compare_arms(long_form(frame), by, rng=np.random.default_rng(0), resamples=255)


@pytest.fixture(scope="module")
def turned() -> Arms:
    return compared(table(8, turned=True))


def test_two_metrics_that_agree_in_one_arm_alone(turned: Arms) -> None:
    assert (turned.names, turned.methods, turned.min_p) == (("one", "two"), 8, 2 / 2**8)
    taus = {(one.arm, one.a, one.b): one.tau for one in turned.agreement}
    assert taus["one", "FA", "RA"] == 1 and taus["two", "FA", "RA"] == -1
    pair = next(one for one in turned.differences if (one.a, one.b) == ("FA", "RA"))
    assert (pair.difference, pair.places, pair.methods) == (2, 2, 8)
    # only no swap and all swaps are as far apart
    assert pair.p == 2 / 2**8
    assert pair.shown
    assert pair.interval.low == pair.interval.high == 2
    mean = turned.differences[0]
    assert (mean.a, mean.b, mean.pairs) == (None, None, 3)
    own = [one.difference for one in turned.differences[1:]]
    assert mean.difference == pytest.approx(np.mean([d for d in own if d is not None]))


def test_the_agreement_is_that_of_the_means_over_seeds() -> None:
    rng = np.random.default_rng(3)
    frame = table(6, turned=False)
    frame[["FA", "RA", "MIA"]] = rng.random((len(frame), 3))
    found = {(one.arm, one.a, one.b): one for one in compared(frame).agreement}
    for arm in ("one", "two"):
        taus = []
        for benchmark in ("x", "y"):
            own = frame[(frame["arm"] == arm) & (frame["benchmark"] == benchmark)]
            means = own.groupby("method")[["FA", "MIA"]].mean()
            taus.append(kendalltau(-means["FA"], -means["MIA"]).statistic)
        one = found[arm, "FA", "MIA"]
        assert one.tau == pytest.approx(np.mean(taus))
        assert (one.groups_defined, one.groups, one.methods) == (2, 2, 6)


def test_arms_that_are_alike_do_not_differ() -> None:
    found = compared(table(8, turned=False))
    assert {one.difference for one in found.differences} == {0}
    assert {one.p for one in found.differences} == {1}


def test_a_metric_that_is_constant_in_an_arm_has_no_difference() -> None:
    frame = table(6, turned=False)
    frame.loc[frame["arm"] == "two", "FA"] = 0.5
    found = compared(frame)
    gone = [one for one in found.agreement if one.arm == "two" and one.a == "FA"]
    assert {(one.tau, one.status) for one in gone} == {(None, Status.CONSTANT)}
    pair = next(one for one in found.differences if (one.a, one.b) == ("FA", "RA"))
    assert (pair.difference, pair.p, pair.p_adjusted, pair.shown) == (None, None, None, False)
    assert pair.reason is not None
    assert found.differences[0].pairs == 1


def test_the_order_of_rows_does_not_matter(turned: Arms) -> None:
    frame = table(8, turned=True).sample(frac=1, random_state=1)
    assert compared(frame) == turned


def test_benchmarks_as_arms() -> None:
    frame = table(6, turned=True, benchmarks=("x",))
    frame = frame.assign(benchmark=frame["arm"]).drop(columns="arm")
    found = compared(frame, "benchmark")
    assert found.names == ("one", "two")
    assert next(one for one in found.differences if one.b == "RA").difference == 2


def test_forms_of_questions_are_arms() -> None:
    frame = table(6, turned=True, benchmarks=("x",))
    edition = "tiny&forget_by=picture"
    asked = frame.assign(edition=edition + "&ask_by=" + frame["arm"]).drop(columns="arm")
    whole = asked[frame["arm"] == "one"].assign(edition=edition)
    found = compared(pd.concat([asked, whole], ignore_index=True))
    assert found.names == ("one", "two")
    assert next(one for one in found.differences if one.b == "RA").difference == 2
    assert found.notes == ("36 values without an arm left out.",)


def test_few_methods_are_said_to_show_nothing() -> None:
    few, enough = (compared(table(n, turned=True)) for n in (LEAST - 1, LEAST))
    assert (few.testable, enough.testable) == (False, True)
    said = " ".join(arm_sentences(few))
    assert f"with {LEAST - 1} methods: {LEAST} are needed, and no p can fall below 0.0625" in said
    assert "a difference is shown" not in said and "agree differently" not in said


def test_the_words_of_a_difference(turned: Arms) -> None:
    said = arm_sentences(turned)
    assert said[0] == "Arms: one and two; 8 methods in all of them."
    assert any(
        "shown to agree differently" in line and "FA-RA (+1.00 against" in line for line in said
    )


@pytest.mark.parametrize(
    ("by", "problem"),
    [
        ("arms", "did you mean 'arm'"),
        ("model", "finds no arm"),
        ("edition", "finds no arm"),
    ],
)
def test_what_does_not_part_a_table(by: str, problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        compared(table(6, turned=False), by)


def test_one_arm_or_one_metric_is_not_compared() -> None:
    frame = table(6, turned=False)
    with pytest.raises(UserError, match="finds one arm, 'one'"):
        compared(frame[frame["arm"] == "one"])
    with pytest.raises(UserError, match="two metrics are needed"):
        compared(frame.drop(columns=["RA", "MIA"]))


@pytest.fixture(scope="module")
def published() -> Arms:
    return published_arms(np.random.default_rng(0))


def test_the_published_arms(published: Arms) -> None:
    """tau-b of single groups as /reproduction/SOURCE.md gives them are over rows; here it is of means."""
    assert (published.names, published.methods) == (("multimodal", "unimodal"), 4)
    assert published.min_p == 0.125 and not published.testable
    rows = figures.unimodal().groupby("method")[["RA", "MIA"]].mean()
    found = next(o for o in published.agreement if (o.arm, o.a, o.b) == ("unimodal", "RA", "MIA"))
    assert found.tau == pytest.approx(kendalltau(rows["RA"], -rows["MIA"]).statistic)
    cover = {(one.a, one.b): one.groups_defined for one in published.agreement if one.groups == 3}
    assert cover["FA", "RA"] == 1 and cover["AD", "JS"] == 3 and cover["MIA", "JS"] == 2
    assert all(one.p is not None and one.p >= 0.125 for one in published.differences)
    said = " ".join(published_sentences(published))
    assert "0.086 for the multimodal and 0.158 for the unimodal" in said
    assert "no p can fall below 0.125" in said


def test_what_json_prints_follows_the_schema() -> None:
    long = long_form(table(6, turned=True, benchmarks=("x",)))
    rng = np.random.default_rng(0)
    found = with_published(audit_long(long, rng=rng, resamples=100, by="arm"), rng)
    tree = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert [e.message for e in Draft202012Validator(SCHEMA).iter_errors(tree)] == []
    assert tree["arms"]["published"]["methods"] == 4
    assert found.arms is not None
    assert set(arm_sentences(found.arms)) <= set(found.verdicts)
    alone = audit_long(long, rng=np.random.default_rng(0), resamples=100)
    assert alone.arms is None and alone.agreement == found.agreement
    assert len(found.to_dataframe("arms")) == 4
