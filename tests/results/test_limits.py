# ruff: noqa: E501
"""Percent beside shares: what is outside a metric's bounds is refused, with the likely cause."""

from __future__ import annotations

from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from uqs.errors import DataError
from uqs.records import Status
from uqs.results import Row, write
from uqs.results.choice import Choice
from uqs.results.tables import from_dataframe, long_form, read_long, read_table

KEYS = ["benchmark", "method", "seed"]


@pytest.fixture
def published() -> pd.DataFrame:
    return pd.read_csv(str(files("uqs.reproduction") / "multimodal_llava15_7b.csv"))


def test_percent_on_one_benchmark_is_refused(tmp_path: Path, published: pd.DataFrame) -> None:
    one = published["benchmark"] == published["benchmark"].iloc[-1]
    published.loc[one, "RA"] *= 100
    row = int((one & (published["RA"] > 1)).to_numpy().argmax()) + 1
    expected = (
        rf"row {row}, field 'RA': \S+ is outside 0 to 1; it looks like percent: .*--percent RA"
    )
    for name, frame in (("wide", published), ("long", published.melt(KEYS, var_name="metric"))):
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
        with pytest.raises(DataError, match=expected if name == "wide" else "field 'RA'.*percent"):
            read_table(tmp_path / f"{name}.csv")
        with pytest.raises(DataError, match="looks like percent"):
            from_dataframe(frame)


def test_a_whole_table_in_percent_is_refused_and_converted_on_request(
    published: pd.DataFrame,
) -> None:
    shares = ["FA", "RA", "MIA", "JS"]
    percent = published.assign(**{name: published[name] * 100 for name in shares})
    with pytest.raises(DataError, match="looks like percent"):
        from_dataframe(percent)
    plain = from_dataframe(published)
    for frame in (percent, percent.melt(KEYS, var_name="metric")):
        panel = from_dataframe(frame, choice=Choice(percent=tuple(shares)))
        for name in plain.metrics:
            assert panel.values[name] == pytest.approx(plain.values[name], rel=1e-12, nan_ok=True)


def test_percent_goes_for_errors_and_bounds_too() -> None:
    frame = pd.DataFrame(
        {"benchmark": "b", "method": ["m", "k"], "seed": 1, "RA": ["61.3 ± 2", "50"],
         "JS": [50.0, 20.0], "JS_se": [4.0, 3.0], "JS_bound": [1.0, 0.0]}
    )  # fmt: skip
    long = long_form(frame, choice=Choice(percent=("RA", "JS")))
    assert long["value"].tolist() == pytest.approx([0.613, 0.5, 0.5, 0.2])
    assert long["se"].tolist() == pytest.approx([0.02, np.nan, 0.04, 0.03], nan_ok=True)
    assert long["bound"].tolist()[2:] == [0.01, 0.0]


@pytest.mark.parametrize(
    ("metric", "value", "words"),
    [("FA", -0.1, "outside 0 to 1"), ("FA", 1.2, "percent"), ("FA", 100.0, "percent"), ("AD", -1.0, "0 to inf"),
     ("PPL", 0.5, "1 to inf"), ("RELEARN", 40.0, "outside -1 to 1"), ("FA", 5000.0, "outside 0 to 1$")],
)  # fmt: skip
def test_out_of_bounds(metric: str, value: float, words: str) -> None:
    frame = pd.DataFrame({"benchmark": "b", "method": ["m", "k"], "seed": 1, metric: [0.5, value]})
    frame.loc[0, metric] = 1.0
    with pytest.raises(DataError, match=f"row 2, field '{metric}': .*{words}"):
        from_dataframe(frame)


@pytest.mark.parametrize(("value", "expected"), [(1 + 1e-12, 1.0), (-1e-12, 0.0), (1.0, 1.0)])
def test_a_rounded_bound_is_the_bound(value: float, expected: float) -> None:
    frame = pd.DataFrame({"benchmark": "b", "method": ["m"], "seed": 1, "FA": [value]})
    assert from_dataframe(frame).values["FA"].tolist() == [expected]


def test_errors_in_percent_points_are_refused() -> None:
    frame = pd.DataFrame(
        {"benchmark": "b", "method": ["m"], "seed": 1, "RA": [0.61], "RA_se": [2.1]}
    )
    with pytest.raises(DataError, match=r"row 1, field 'RA': the standard error 2\.1 .*percent"):
        from_dataframe(frame)
    long = pd.DataFrame({"benchmark": "b", "method": ["m"], "seed": 1, "metric": "RA", "value": ["61%"],
                         "se": [2.1]})  # fmt: skip
    with pytest.raises(DataError, match=r"standard error 2\.1 of 0\.61 .*percent"):
        from_dataframe(long)


def test_no_standard_error_of_shares_is_refused() -> None:
    rng = np.random.default_rng(0)
    drawn = [rng.beta(0.1, 0.1, n) for n in range(2, 60)]
    drawn += [rng.integers(0, 2, n).astype(float) for n in range(2, 60)] + [np.array([0.0, 1.0])]
    errors = [float(np.std(one, ddof=1) / np.sqrt(len(one))) for one in drawn]
    assert max(errors) == 0.5
    frame = pd.DataFrame({"benchmark": "b", "method": "m", "seed": range(len(drawn)),
                          "RA": list(map(np.mean, drawn)), "RA_se": errors})  # fmt: skip
    assert from_dataframe(frame).errors["RA"].tolist() == errors


def row(**changes: object) -> Row:
    given = {
        "study": "s", "benchmark": "b", "edition": "tiny", "model": "t", "role": "unlearned",
        "method": "m", "strength": "", "hyperparameters": "{}", "seed": 1, "oracle_seed": 0,
        "split": "forget", "metric": "KL_MO", "value": 0.5, "se": 0.1, "n": 100, "status": "ok",
        "config_hash": "c", "data_hash": "d", "version": "0", "device": "cpu", "seconds": 1.0,
    }  # fmt: skip
    return Row(**(given | changes))  # type: ignore[arg-type]


def test_our_own_table_is_held_to_the_bounds(tmp_path: Path) -> None:
    write([row(metric="FA", oracle_seed=None, value=61.3)], tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"row 1, field 'FA': 61\.3 is outside 0 to 1; .*percent"):
        read_table(tmp_path / "t.parquet")
    # What comes back beyond the oracle's is a difference; of two items that differ it has an error of 1.
    difference = row(metric="KR", split="forget/above_oracle", value=-0.5, se=1.0)
    write([difference], tmp_path / "t.parquet")
    assert read_long(tmp_path / "t.parquet")["se"].tolist() == [1.0]
    write([row(metric="KR", oracle_seed=None, value=0.5, se=0.6)], tmp_path / "t.parquet")
    with pytest.raises(
        DataError, match=r"the standard error 0\.6 of 0\.5 .* from 0 to 1 can be, 0\.5"
    ):
        read_table(tmp_path / "t.parquet")


# Bounds


def table(values: dict[str, tuple[float, str, float | None]], metric: str = "KL_MO") -> list[Row]:
    return [
        row(method=method, metric=metric, value=value, status=status, bound=bound)
        for method, (value, status, bound) in values.items()
    ]


def test_a_lower_bound_is_no_value_and_stays_in_the_long_form(tmp_path: Path) -> None:
    rows = table({"a": (0.7, "lower_bound", None), "b": (0.6, "ok", None), "c": (0.9, "ok", None)})
    write(rows, tmp_path / "t.parquet")
    long = read_long(tmp_path / "t.parquet")
    assert long["status"].tolist() == ["lower_bound", "ok", "ok"]
    assert long["value"].tolist() == [0.7, 0.6, 0.9]
    panel = read_table(tmp_path / "t.parquet")
    assert panel.values["KL_MO"].tolist() == pytest.approx([np.nan, 0.6, 0.9], nan_ok=True)
    assert panel.statuses["KL_MO"].tolist() == [Status.LOWER_BOUND, "ok", "ok"]
    assert panel.notes == (
        "KL_MO of 1 of 3 models on b is known only as a bound; bounds are not ranked.",
    )


def test_one_bound_among_oracles_makes_the_mean_a_bound(tmp_path: Path) -> None:
    rows = [row(value=0.2, oracle_seed=0), row(value=0.4, oracle_seed=1, status="lower_bound")]
    write(rows, tmp_path / "t.parquet")
    panel = read_table(tmp_path / "t.parquet")
    assert np.isnan(panel.values["KL_MO"]).all()
    assert panel.statuses["KL_MO"].tolist() == [Status.LOWER_BOUND]


def test_gap_z_and_bound_are_kept(tmp_path: Path) -> None:
    write([row(metric="JS", bound=0.01, gap=0.2, z=3.0)], tmp_path / "t.parquet")
    long = read_long(tmp_path / "t.parquet")
    assert long[["bound", "gap", "z"]].iloc[0].tolist() == [0.01, 0.2, 3.0]
    panel = read_table(tmp_path / "t.parquet")
    assert panel.bounds["JS"].tolist() == [0.01]
    assert panel.errors["JS"].tolist() == [np.hypot(0.1, 0.01)]


def test_values_whose_intervals_share_a_point_are_not_ranked(tmp_path: Path) -> None:
    apart = table({"a": (0.2, "ok", 0.05), "b": (0.4, "ok", 0.05), "c": (0.3, "ok", 0.2)}, "JS")
    write(apart, tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").values["JS"].tolist() == [0.2, 0.4, 0.3]
    together = table({"a": (0.2, "ok", 0.1), "b": (0.4, "ok", 0.1), "c": (0.3, "ok", 0.2)}, "JS")
    write(together, tmp_path / "t.parquet")
    panel = read_table(tmp_path / "t.parquet")
    assert np.isnan(panel.values["JS"]).all()
    assert panel.statuses["JS"].tolist() == [Status.LOWER_BOUND] * 3


def divergence(p: np.ndarray, q: np.ndarray) -> float:
    return float((p * np.log(p / q)).sum())


def smallest(p: np.ndarray, q: np.ndarray, kept: int) -> float:
    """The least KL(p || q) where only the `kept` likeliest tokens of each are known: what is known of both
    adds its term, the rest is merged, which by the log-sum inequality can only lower the sum."""
    known = np.intersect1d(np.argsort(-p)[:kept], np.argsort(-q)[:kept])
    rest = 1 - p[known].sum(), 1 - q[known].sum()
    return divergence(np.append(p[known], rest[0]), np.append(q[known], rest[1]))


def test_ranking_by_bounds_can_invert_the_truth() -> None:
    """Two models whose bounds stand the other way round than their divergences, from what is simulated.

    One model differs from the oracle among its likeliest tokens a little, the other in the tail a lot. Each
    bound is below its divergence, as it must be, and among such pairs the order is wrong every time.
    """
    rng = np.random.default_rng(0)
    inverted = 0
    for _ in range(50):
        oracle = np.sort(rng.dirichlet(np.full(200, 0.3)) + 1e-6)[::-1]
        oracle /= oracle.sum()
        top = oracle.copy()
        top[:10] *= rng.uniform(0.7, 1.3, 10)
        tail = oracle.copy()
        tail[10:] *= np.exp(rng.normal(0, 2.5, 190))
        tail[10:] *= oracle[10:].sum() / tail[10:].sum()
        tail /= tail.sum()
        top /= top.sum()
        truth = [divergence(model, oracle) for model in (top, tail)]
        bounds = [smallest(model, oracle, 10) for model in (top, tail)]
        assert all(bound <= true + 1e-12 for bound, true in zip(bounds, truth, strict=True))
        inverted += truth[0] < truth[1] and bounds[0] > bounds[1]
    assert inverted >= 25


def test_bounds_are_said_and_ranked_by_no_one(tmp_path: Path) -> None:
    """The audit has no figure of a metric known by bounds, whatever the bounds are, and says why."""
    from uqs.audit.audit import audit_long

    audits = []
    for order in ((0.1, 0.2, 0.3), (0.3, 0.2, 0.1)):
        kl = dict(zip("abc", ((value, "lower_bound", None) for value in order), strict=True))
        fa = {"a": (0.5, "ok", None), "b": (0.6, "ok", None), "c": (0.8, "ok", None)}
        write([*table(kl), *table(fa, "FA")], tmp_path / "t.parquet")
        long = read_long(tmp_path / "t.parquet")
        audits.append(audit_long(long, rng=np.random.default_rng(0), resamples=20))
    assert all(one.to_dict() == other.to_dict() for one, other in pairwise(audits))
    assert "KL_MO is known only as bounds on the one benchmark (b); bounds are not ranked." in (
        audits[0].verdicts
    )
    assert [item.status for item in audits[0].degenerate if item.metric == "KL_MO"] == [
        Status.LOWER_BOUND
    ]


@pytest.mark.parametrize("others", [(0.5, 0.5), (0.02, 0.9)])
def test_the_score_leaves_bounds_out_and_says_why(
    tmp_path: Path, others: tuple[float, float]
) -> None:
    from uqs.score import score, words

    js = {"a": (0.5, "ok", 0.4), "b": (0.5, "ok", 0.3)}
    fa = {"a": (0.5, "ok", None), "b": (0.6, "ok", None)}
    rows = [*table(js, "JS"), *table(fa, "FA")]
    write(rows, tmp_path / "t.parquet")
    result = score(read_table(tmp_path / "t.parquet"), draws=50)
    assert result.metrics == ("FA",)
    assert "JS is left out: it is known only as bounds, which are not ranked." in result.notes
    known = dict(zip("ab", ((value, "ok", None) for value in others), strict=True))
    more = [*table(known, "JS"), *table(fa, "FA")]
    from dataclasses import replace

    write([*rows, *(replace(one, benchmark="c") for one in more)], tmp_path / "t.parquet")
    result = score(read_table(tmp_path / "t.parquet"), draws=50)
    said = "b: JS is left out for all methods (2 of 2 methods have no value that is more than a bound)."
    assert said in words.coverage(result)
    assert [(one.benchmark, one.status) for one in result.left_out] == [("b", Status.LOWER_BOUND)]
