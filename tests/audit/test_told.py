"""Made-up models against made-up oracles, by hand and with the statistics of arrays."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from uqs.audit.told import (
    Direction,
    Finding,
    Told,
    like_an_oracle,
    told_from_oracles,
    verdict,
)
from uqs.results import Row
from uqs.results.tables import of_rows
from uqs.stats.dunnett import dunnett_p
from uqs.stats.spread import pooled, within_rungs
from uqs.stats.told import of_distances, of_values, students_t

FA = Row(
    study="s", benchmark="b", edition="tiny", model="m", role="unlearned", method="npo", strength="",
    hyperparameters="{}", seed=0, oracle_seed=None, split="forget", metric="FA", value=0.5, se=0.1,
    n=200, status="ok", config_hash="c", data_hash="d", version="0", device="cpu", seconds=1.0,
)  # fmt: skip


def model(role: str, seed: int, method: str = "", share: float | None = None) -> Row:
    names = {"oracle": "retrain", "original": "original", "reference": "retrain_part"}
    shares = {"oracle": 0.0, "original": 1.0}
    return replace(
        FA,
        role=role,
        seed=seed,
        method=method or names.get(role, "npo"),
        strength=f"{share:g}" if role == "reference" else "",
        share=shares.get(role, share),
    )


def valued(about: Row, value: float | None, **more: object) -> Row:
    status = "ok" if value is not None else "collapsed"
    return replace(about, value=value, status=status, **more)  # type: ignore[arg-type]


def own(values: Sequence[float], oracles: Sequence[float], **more: object) -> list[Row]:
    """Unlearned models and oracles with these own values."""
    rows = [valued(model("unlearned", at), one, **more) for at, one in enumerate(values)]
    return [*rows, *(valued(model("oracle", at), one, **more) for at, one in enumerate(oracles))]


def apart(models: Sequence[Row], places: np.ndarray, metric: str = "AD") -> list[Row]:
    """A distance of every model to every oracle, each model at its place."""
    at = [i for i, one in enumerate(models) if one.role == "oracle"]
    distance = cdist(places, places[at])
    return [
        valued(one, float(distance[i, j]), metric=metric, oracle_seed=models[k].seed)
        for i, one in enumerate(models)
        for j, k in enumerate(at)
        if i != k
    ]


def frame(rows: Iterable[Row]) -> pd.DataFrame:
    return of_rows(list(rows))


def found(rows: Iterable[Row], role: str = "unlearned") -> list[Told]:
    return [one for one in told_from_oracles(frame(rows)) if one.role == role]


def test_own_values_by_hand() -> None:
    low, near, high = found(own([0.0, 0.31, 0.9], [0.28, 0.3, 0.32]))
    assert [one.finding for one in (low, near, high)] == ["told", "not told apart", "told"]
    assert (low.direction, near.direction, high.direction) == (
        Direction.KNOWS_LESS,
        None,
        Direction.KNOWS_MORE,
    )
    t = 0.6 / (0.02 * np.sqrt(4 / 3))
    assert high.statistic == pytest.approx(t)
    assert high.p == pytest.approx(2 * stats.t(2).sf(t))
    assert high.p_adjusted == pytest.approx(dunnett_p([t], 3, 3, 2, two_sided=True)[0])
    assert (high.value, high.expected) == (0.9, pytest.approx(0.3))
    assert (high.oracles, high.family, high.freedom, high.p_rank) == (3, 3, 2, 1 / 4)
    assert (high.kind, high.scale, high.pooled) == ("value", "value", False)


def test_a_metric_that_is_no_knowledge_has_no_more_and_less_of_it() -> None:
    rows = own([0.0, 0.9], [0.28, 0.3, 0.32], metric="MIA")
    assert [one.direction for one in found(rows)] == [Direction.BELOW, Direction.ABOVE]


@pytest.mark.parametrize("value", [0.0, 0.17, 0.65, 1.0])
def test_two_oracles_tell_nothing_whatever_the_value(value: float) -> None:
    (one,) = found(own([value], [0.15, 0.194]))
    assert (one.finding, one.oracles, one.p) == (Finding.TOO_FEW_ORACLES, 2, None)
    assert one.value == value
    assert verdict(one) == "not told apart from an oracle by these 2"


def test_without_oracles_nothing_is_asked() -> None:
    assert told_from_oracles(frame(own([0.1, 0.2], []))) == ()


def test_an_oracle_is_held_against_the_others() -> None:
    values = [0.28, 0.3, 0.32, 0.9]
    oracles = found(own([0.5], values), "oracle")
    assert [one.oracles for one in oracles] == [3] * 4
    t = 0.6 / (0.02 * np.sqrt(4 / 3))
    assert oracles[3].statistic == pytest.approx(t)
    assert oracles[3].p_adjusted == pytest.approx(min(1, 4 * 2 * stats.t(2).sf(t)))
    assert oracles[3].finding == Finding.TOLD
    assert oracles[0].finding == Finding.NOT_TOLD
    assert {one.finding for one in found(own([0.5], values[:3]), "oracle")} == {
        Finding.TOO_FEW_ORACLES
    }


def test_distances_are_those_of_the_statistics() -> None:
    rng = np.random.default_rng(0)
    models = [
        *(model("unlearned", at) for at in range(5)),
        *(model("oracle", at) for at in range(4)),
    ]
    places = rng.normal(size=(9, 6))
    places[0] += 9
    distance = cdist(places, places[5:])
    expected = students_t(of_distances(distance[:5], distance[5:], log=True))
    got = found(apart(models, places))
    assert expected is not None
    assert [one.statistic for one in got] == pytest.approx(expected.statistic.tolist())
    assert [one.p_adjusted for one in got] == pytest.approx(expected.p_adjusted.tolist())
    assert (got[0].finding, got[0].direction) == (Finding.TOLD, Direction.FARTHER)
    assert (got[0].kind, got[0].scale) == ("distance", "log")
    assert got[0].value == pytest.approx(distance[0].mean())
    assert got[0].expected == pytest.approx(distance[5:].sum() / 12)
    (against_three,) = found(apart(models, places), "oracle")[:1]
    rest = students_t(of_distances(distance[5:6, 1:], distance[6:, 1:], log=True))
    assert rest is not None
    assert against_three.statistic == pytest.approx(rest.statistic[0])


def test_a_similarity_is_a_distance_from_its_largest_value() -> None:
    rng = np.random.default_rng(1)
    models = [model("unlearned", 0), model("unlearned", 1), *(model("oracle", k) for k in range(4))]
    rows = apart(
        models, rng.normal(size=(6, 6)) * 0.01 + np.eye(6)[0] * [[9], [0], [0], [0], [0], [0]]
    )
    near = [replace(row, value=np.exp(-(row.value or 0)), metric="CKA") for row in rows]
    far, other = found(near)
    as_distance = found([replace(row, value=1 - (row.value or 0), metric="JS") for row in near])
    assert far.statistic == pytest.approx(as_distance[0].statistic)
    assert (far.finding, other.finding) == (Finding.TOLD, Finding.NOT_TOLD)
    assert far.value is not None
    assert far.expected is not None
    assert far.value < 0.01 < 0.9 < far.expected


def test_a_model_is_held_against_the_oracles_that_it_has_a_distance_to() -> None:
    rng = np.random.default_rng(2)
    models = [model("unlearned", 0), model("unlearned", 1), *(model("oracle", k) for k in range(5))]
    places = rng.normal(size=(7, 6))
    rows = [
        valued(row, None, metric="AD", oracle_seed=row.oracle_seed)
        if row.role == "unlearned" and row.seed == 0 and row.oracle_seed == 4
        else row
        for row in apart(models, places)
    ]
    first, second = found(rows)
    assert (first.oracles, second.oracles) == (4, 5)
    distance = cdist(places, places[2:])
    expected = students_t(of_distances(distance[:1, :4], distance[2:6, :4], log=True))
    assert expected is not None
    assert first.statistic == pytest.approx(expected.statistic[0])


def test_an_oracle_that_lacks_most_distances_is_held_against_those_it_has() -> None:
    rng = np.random.default_rng(6)
    models = [model("unlearned", 0), *(model("oracle", k) for k in range(5))]
    rows = [
        row
        for row in apart(models, rng.normal(size=(6, 6)))
        if not (row.role == "oracle" and 4 in (row.seed, row.oracle_seed))
        or (row.seed, row.oracle_seed) == (4, 0)
    ]
    (one,) = found(rows)
    assert (one.oracles, one.finding) == (4, Finding.NOT_TOLD)
    assert found(rows, "oracle")[4].finding == Finding.TOO_FEW_ORACLES


def test_a_bound_is_no_value_and_no_model_of_the_family() -> None:
    rows = own([0.5, 0.6, 0.7], [0.28, 0.3, 0.32])
    rows[1] = replace(rows[1], status="lower_bound")
    rows[2] = valued(rows[2], None)
    first, second, third = found(rows)
    assert (second.finding, third.finding) == (Finding.NO_VALUE, Finding.NO_VALUE)
    assert verdict(second) is None
    assert first.family == 1
    assert first.p_adjusted == pytest.approx(first.p)


def test_equal_oracles_hide_half_an_answer() -> None:
    (near, far) = found(own([0.205, 0.9], [0.2, 0.2, 0.2]))
    assert near.statistic == pytest.approx(0.005 / (0.0025 * np.sqrt(4 / 3)))
    assert (near.finding, far.finding) == (Finding.NOT_TOLD, Finding.TOLD)


def test_oracles_that_are_all_there_is_tell_nothing() -> None:
    (one,) = found(own([0.2], [0.2, 0.2, 0.2]))
    assert one.finding == Finding.CONSTANT
    assert verdict(one) == "not told apart from an oracle: the oracles do not differ at all"


def test_references_lend_their_spread_unless_the_oracles_scatter_more() -> None:
    rungs = np.array([[0.45, 0.47, 0.5], [0.6, 0.63, 0.65], [0.9, 0.92, 0.94]])
    ladder = [
        valued(model(role, seed, share=share), float(rungs[at, seed]))
        for at, (role, share) in enumerate(
            (("reference", 0.25), ("reference", 0.5), ("original", 1.0))
        )
        for seed in range(3)
    ]
    oracles = [0.28, 0.3, 0.33]
    (one,) = found([*own([0.42], oracles), *ladder])
    sample = of_values(np.array([0.42]), np.array(oracles), 1 / 200)
    lent = within_rungs(rungs)
    assert lent is not None
    spread = pooled(sample.spread, lent)
    expected = students_t(sample, spread, family=10)
    assert expected is not None
    assert (one.pooled, one.freedom, one.family) == (True, 8, 10)
    assert one.statistic == pytest.approx(expected.statistic[0])
    assert one.p_adjusted == pytest.approx(expected.p_adjusted[0])
    (wide,) = found([*own([0.42], [0.1, 0.3, 0.6]), *ladder])
    assert (wide.pooled, wide.freedom) == (False, 2)
    names = [(one.method, one.seed) for one in found([*own([0.42], oracles), *ladder], "reference")]
    assert names[:4] == [("retrain_part@0.25", seed) for seed in range(3)] + [
        ("retrain_part@0.5", 0)
    ]


def test_a_ladder_of_distances_is_on_the_scale_of_the_test() -> None:
    rng = np.random.default_rng(3)
    models = [model("unlearned", 0), *(model("oracle", k) for k in range(3))]
    models += [model("reference", k, share=s) for s in (0.25, 0.5, 0.75) for k in range(3)]
    places = rng.normal(size=(13, 30))
    (one,) = found(apart(models, places))
    distance = cdist(places, places[1:4])
    sample = of_distances(distance[:1], distance[1:4], log=True)
    lent = within_rungs(np.log(distance[4:]).mean(axis=1).reshape(3, 3))
    assert lent is not None
    assert one.pooled
    expected = students_t(sample, pooled(sample.spread, lent))
    assert expected is not None
    assert one.statistic == pytest.approx(expected.statistic[0])


def test_the_order_of_rows_does_not_matter_and_all_is_json() -> None:
    rng = np.random.default_rng(4)
    rows = own([0.1, 0.5], [0.28, 0.3, 0.32, 0.31])
    models = [model("unlearned", 0), *(model("oracle", k) for k in range(4))]
    rows += apart(models, rng.normal(size=(5, 4)))
    expected = found(rows)
    shuffled = found([rows[at] for at in rng.permutation(len(rows))])

    def key(one: Told) -> tuple[str, int]:
        return one.metric, one.seed

    for one, other in zip(sorted(expected, key=key), sorted(shuffled, key=key), strict=True):
        assert replace(
            one, statistic=None, p=None, p_adjusted=None, value=None, expected=None
        ) == replace(other, statistic=None, p=None, p_adjusted=None, value=None, expected=None)
        assert one.statistic == pytest.approx(other.statistic)
    tree = json.loads(json.dumps([asdict(one) for one in expected], allow_nan=False))
    assert {one["finding"] for one in tree} <= set(Finding)


def test_benchmarks_and_strengths_are_kept_apart() -> None:
    rows = own([0.1], [0.28, 0.3, 0.32])
    other = [replace(row, benchmark="c", value=(row.value or 0) / 2) for row in rows]
    strong = [replace(rows[0], strength="weak"), replace(rows[0], strength="strong", value=0.9)]
    got = found([*rows[1:], *strong, *other])
    assert {(one.benchmark, one.method) for one in got} == {
        ("b", "npo@weak"),
        ("b", "npo@strong"),
        ("c", "npo"),
    }


def test_like_an_oracle_is_an_upper_limit_under_the_margin() -> None:
    assert like_an_oracle(0.09)
    assert not like_an_oracle(0.1)
    assert not like_an_oracle(0.09, margin=0.05)
    for limit, margin in ((float("nan"), 0.1), (0.1, 0.0), (0.1, 1.0)):
        with pytest.raises(ValueError, match="no likeness"):
            like_an_oracle(limit, margin)


def test_the_three_verdicts() -> None:
    near, far = found(own([0.31, 0.9], [0.28, 0.3, 0.32]))
    assert verdict(near) == verdict(near, 0.3) == "not told apart from an oracle by these 3"
    assert verdict(near, 0.05) == "like an oracle"
    assert verdict(far) == verdict(far, 0.05) == "told from an oracle"


def test_models_that_are_one_more_oracle_are_rarely_told() -> None:
    """Families of six by one metric, with vectors in 20 dimensions: 5% of families at the most."""
    rng, hits = np.random.default_rng(5), 0
    for _ in range(25):
        models = [
            *(model("unlearned", k) for k in range(6)),
            *(model("oracle", k) for k in range(5)),
        ]
        rows = apart(models, rng.normal(size=(11, 20)))
        hits += any(one.finding == Finding.TOLD for one in found(rows))
    assert hits <= 4
