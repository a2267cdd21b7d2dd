from __future__ import annotations

import itertools
import random
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from uqs.gaps import others, over_forgets, verdict, with_gaps
from uqs.results import Row

FA = Row(
    study="s",
    benchmark="b",
    edition="e",
    model="m",
    role="unlearned",
    method="salun",
    strength="",
    hyperparameters="{}",
    seed=42,
    oracle_seed=None,
    split="forget",
    metric="FA",
    value=0.5,
    se=0.1,
    n=20,
    status="ok",
    config_hash="c",
    data_hash="d",
    version="0",
    device="cpu",
    seconds=1.0,
)


TOLD = ("over-forgets", "knows more than an oracle")


def oracle(seed: int, value: float | None, row: Row = FA) -> Row:
    status = "ok" if value is not None else "too_few"
    return replace(row, role="oracle", method="retrain", seed=seed, value=value, status=status)


def distance(seed: int, oracle_seed: int, value: float, role: str = "oracle") -> Row:
    return replace(FA, metric="AD", role=role, seed=seed, oracle_seed=oracle_seed, value=value)


def test_gap_and_z_of_a_value_by_hand() -> None:
    rows = with_gaps([FA, oracle(0, 0.1), oracle(1, 0.2), oracle(2, 0.3)])
    assert rows[0].gap == pytest.approx(0.3)
    assert rows[0].z == pytest.approx(0.3 / (0.1 * np.sqrt(4 / 3)))


def test_an_oracle_is_held_against_the_others() -> None:
    rows = with_gaps([oracle(0, 0.1), oracle(1, 0.2), oracle(2, 0.3)])
    assert rows[0].gap == pytest.approx(0.1 - 0.25)
    assert rows[0].z == pytest.approx(-0.15 / (np.std([0.2, 0.3], ddof=1) * np.sqrt(1.5)))


def test_two_oracles_have_gaps_to_each_other_and_no_z() -> None:
    rows = with_gaps([FA, oracle(0, 0.1), oracle(1, 0.3)])
    assert rows[0].gap == pytest.approx(0.3)
    assert rows[0].z is not None
    assert [row.gap for row in rows[1:]] == pytest.approx([-0.2, 0.2])
    assert [row.z for row in rows[1:]] == [None, None]


@pytest.mark.parametrize(
    ("oracles", "gap"),
    [([], None), ([oracle(0, 0.2)], 0.3), ([oracle(0, 0.2), oracle(1, 0.2)], 0.3)],
    ids=["none", "one", "equal"],
)
def test_z_is_null_without_a_spread(oracles: list[Row], gap: float | None) -> None:
    row = with_gaps([FA, *oracles])[0]
    assert row.z is None
    assert row.gap == (None if gap is None else pytest.approx(gap))


def test_oracles_without_a_value_and_of_other_groups_do_not_count() -> None:
    others = [
        replace(oracle(5, 0.9), **{name: "other"})  # type: ignore[arg-type]
        for name in ("benchmark", "edition", "model", "metric", "split")
    ]
    rows = with_gaps([FA, oracle(0, 0.1), oracle(1, 0.3), oracle(2, None), *others])
    assert rows[0].gap == pytest.approx(0.3)
    assert (rows[3].gap, rows[3].z) == (None, None)


def test_gap_and_z_of_a_distance_by_hand() -> None:
    """Three oracles: pairs 01, 02, 12, of which either way's mean counts."""
    pairs = [
        distance(0, 1, 1.0),
        distance(1, 0, 3.0),
        distance(0, 2, 4.0),
        distance(2, 0, 4.0),
        distance(1, 2, 6.0),
    ]
    model = distance(42, 1, 8.0, "unlearned")
    rows = with_gaps([model, *pairs])
    assert rows[0].gap == pytest.approx(8 - 4)
    assert rows[0].z is None  # it has no distance to two of the oracles
    assert rows[1].gap == pytest.approx(1 - 6)  # oracle 0 against the pair of 1 and 2
    assert rows[1].z is None


def test_z_of_a_distance_is_that_of_the_mean_over_oracles_by_hand() -> None:
    """Of the logarithms, because all are above 0; twice the spread of the means, (K - 1) / (K - 2)."""
    pairs = [distance(0, 1, 1.0), distance(0, 2, 2.0), distance(1, 2, 6.0)]
    model = [distance(42, seed, 7.0 + seed, "unlearned") for seed in range(3)]
    rows = with_gaps([*model, *pairs])
    assert [row.gap for row in rows[:3]] == pytest.approx([7 - 3, 8 - 3, 9 - 3])
    own = np.log([1 * 2, 1 * 6, 2 * 6]) / 2
    gap = np.log(7 * 8 * 9) / 3 - own.mean()
    expected = gap / (np.std(own, ddof=1) * 2 * np.sqrt(4 / 3))
    assert [row.z for row in rows[:3]] == pytest.approx([expected] * 3)


def test_z_of_distances_that_may_be_0_takes_no_logarithm() -> None:
    pairs = [distance(0, 1, 0.0), distance(0, 2, 2.0), distance(1, 2, 6.0)]
    rows = with_gaps([*(distance(42, seed, 8.0, "unlearned") for seed in range(3)), *pairs])
    own = np.array([1.0, 3.0, 4.0])
    assert rows[0].z == pytest.approx((8 - own.mean()) / (np.std(own, ddof=1) * 2 * np.sqrt(4 / 3)))


def test_an_oracle_among_four_is_held_against_the_three_others() -> None:
    values = dict(zip(itertools.combinations(range(4), 2), (1.0, 2, 3, 4, 5, 9), strict=True))
    rows = with_gaps(
        [distance(*pair, value) for (i, j), value in values.items() for pair in ((i, j), (j, i))]
    )
    own = np.log([4 * 5, 4 * 9, 5 * 9]) / 2  # of oracles 1 to 3
    expected = (np.log(1 * 2 * 3) / 3 - own.mean()) / (np.std(own, ddof=1) * 2 * np.sqrt(4 / 3))
    first = next(row for row in rows if (row.seed, row.oracle_seed) == (0, 1))
    assert first.gap == pytest.approx(1 - 6)
    assert first.z == pytest.approx(expected)


@pytest.mark.parametrize("oracles", [3, 5])
def test_z_of_distances_of_one_more_oracle_exceeds_students_quantile_as_often_as_it_should(
    oracles: int,
) -> None:
    rng, found = np.random.default_rng(4), []
    for _ in range(600):
        vectors = rng.normal(size=(oracles + 1, 30))
        rows = [
            distance(i, j, float(np.linalg.norm(vectors[i] - vectors[j])))
            for i in range(oracles)
            for j in range(oracles)
            if i != j
        ]
        rows += [
            distance(42, j, float(np.linalg.norm(vectors[-1] - vectors[j])), "unlearned")
            for j in range(oracles)
        ]
        found.append(with_gaps(rows)[-1].z)
    beyond = np.array(found) > stats.t(oracles - 1).ppf(0.95)
    assert beyond.mean() == pytest.approx(0.045, abs=0.025)


def test_order_does_not_matter_and_rows_keep_theirs() -> None:
    rng = np.random.default_rng(0)
    rows = [FA, *(oracle(seed, float(rng.normal())) for seed in range(7))]
    rows += [distance(i, j, float(rng.gamma(2))) for i, j in itertools.permutations(range(5), 2)]
    rows.append(distance(42, 0, 3.3, "unlearned"))
    shuffled = random.Random(1).sample(rows, len(rows))
    assert set(with_gaps(shuffled)) == set(with_gaps(rows))
    found = with_gaps(shuffled)
    assert [replace(row, gap=None, z=None) for row in found] == shuffled
    assert with_gaps(found) == found


def test_z_of_one_more_oracle_has_students_distribution() -> None:
    rng, m = np.random.default_rng(2), 4
    found = []
    for _ in range(2000):
        values = rng.normal(0.3, 0.05, m + 1)
        rows = [replace(FA, value=float(values[0]))]
        rows += [oracle(seed, float(value)) for seed, value in enumerate(values[1:])]
        z = with_gaps(rows)[0].z
        assert z is not None
        found.append(z)
    assert stats.kstest(found, stats.t(m - 1).cdf).pvalue > 0.01
    limit = stats.t(m - 1).ppf(0.975)
    assert np.mean(np.abs(found) > limit) == pytest.approx(0.05, abs=0.015)
    assert stats.kstest(found, stats.norm.cdf).pvalue < 1e-4  # and no normal one


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "over-forgets"),
        (0.31, "not told apart from an oracle"),
        (0.9, "knows more than an oracle"),
    ],
)
def test_the_verdict_says_which_side_of_the_oracles_a_model_is_on(value: float, said: str) -> None:
    oracles = [oracle(seed, 0.3 + 0.02 * seed) for seed in range(-2, 3)]
    row = with_gaps([replace(FA, value=value), *oracles])[0]
    assert verdict(row, 5) == said
    assert over_forgets(row, 5) == (said == "over-forgets")
    assert verdict(replace(row, split="forget/cloze"), 5) == said
    assert (
        verdict(replace(row, se=1.0), 5) == "not told apart from an oracle"
    )  # the questions' own noise


def test_few_oracles_tell_a_model_apart_only_by_a_large_z() -> None:
    row = replace(FA, gap=-0.5, z=-9.0)  # Student's 97.5% quantile: 4.3 with 2 degrees
    assert verdict(row, 2) == "too few oracles"
    assert verdict(replace(row, z=-4.2), 3) == "not told apart from an oracle"
    assert verdict(row, 3) == "over-forgets"


def test_there_is_no_verdict_without_z_or_on_what_is_no_knowledge_of_the_forget_set() -> None:
    row = replace(FA, gap=-0.5, z=-9.0)
    assert over_forgets(row, 5)
    assert verdict(replace(row, z=None), 5) is None
    assert verdict(replace(row, split="holdout"), 5) is None
    assert verdict(replace(row, metric="RA", split="retain"), 5) is None
    assert verdict(replace(row, metric="AD", oracle_seed=0), 5) is None


def test_there_is_no_verdict_where_the_questions_noise_is_unknown() -> None:
    row = replace(FA, gap=-0.5, z=-90.0)
    assert verdict(row, 5) == "over-forgets"
    assert verdict(replace(row, se=None), 5) is None


@pytest.mark.parametrize("value", [0.0, 0.17, 0.65, 1.0])
def test_two_oracles_cannot_tell_whatever_the_value_is(value: float) -> None:
    rows = with_gaps([replace(FA, value=value), oracle(0, 0.15), oracle(1, 0.194)])
    assert verdict(rows[0], others(rows[0], rows)) == "too few oracles"
    assert not over_forgets(rows[0], 2)
    assert verdict(rows[0], 1) == "too few oracles"
    assert verdict(with_gaps([FA])[0], 0) is None


def test_a_row_is_held_against_the_other_oracles_that_have_a_value() -> None:
    rows = [
        FA,
        oracle(0, 0.1),
        oracle(1, 0.2),
        oracle(2, None),
        replace(oracle(3, 0.1), edition="f"),
    ]
    assert [others(row, rows) for row in rows] == [2, 1, 1, 2, 0]


def test_an_oracles_own_test_is_wrong_as_often_as_it_says() -> None:
    """Of four oracles each is held against three: two degrees of freedom; three would flag too many."""
    rng, flagged, wrong = np.random.default_rng(3), 0, 0
    for _ in range(1500):
        rows = with_gaps(
            [
                replace(oracle(s, float(v)), se=0.0, n=10**9)
                for s, v in enumerate(rng.normal(0.3, 0.05, 4))
            ]
        )
        flagged += verdict(rows[0], others(rows[0], rows)) in TOLD
        wrong += verdict(rows[0], 4) in TOLD
    assert flagged / 1500 == pytest.approx(0.05, abs=0.015)
    assert wrong / 1500 > 0.075
