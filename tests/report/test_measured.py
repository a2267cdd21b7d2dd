"""What is printed after measuring."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from uqs.evaluation.run import Result
from uqs.metrics.catalogue import CARDS
from uqs.report.measured import show
from uqs.results import Row
from uqs.text import MINUS

FA = Row(
    study="measure",
    benchmark="b",
    edition="tiny",
    model="m",
    role="unlearned",
    method="npo",
    strength="weak",
    hyperparameters="{}",
    seed=3,
    oracle_seed=None,
    split="forget",
    metric="FA",
    value=0.25,
    se=0.01,
    n=400,
    status="ok",
    config_hash="c",
    data_hash="d",
    version="0",
    device="cpu",
    seconds=1.0,
)
ORACLES = [replace(FA, role="oracle", method="retrain", seed=seed) for seed in range(3)]


def printed(*rows: Row, notes: tuple[str, ...] = ()) -> str:
    console = Console(file=io.StringIO(), width=150)
    show(Result(rows, (), (), notes), console)
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


def test_models_stand_with_their_values() -> None:
    text = printed(FA, replace(FA, role="original", method="original", value=0.9, seed=0), *ORACLES)
    assert "npo@weak seed 3 │ 0.250 ± 0.010" in text
    assert "original │ 0.900 ± 0.010" in text
    assert "oracle 2" in text


def test_a_distance_is_the_mean_over_oracles() -> None:
    rows = [
        replace(FA, metric="AD", split="forget/last_prompt", value=v, oracle_seed=i)
        for i, v in enumerate((1.0, 2.0))
    ]
    assert "1.500 ± 0.010" in printed(FA, *rows)


def test_over_forgetting_is_said() -> None:
    low = replace(FA, value=0.0, gap=-0.25, z=-9.0)
    assert (
        f"npo@weak seed 3 over-forgets: FA 0.000 is {MINUS}0.250 from the oracles' own"
        in printed(low, *ORACLES)
    )
    assert "over-forgets" not in printed(replace(low, z=-1.0), *ORACLES)


@pytest.mark.parametrize(("values", "said"), [((0.3, 0.2), True), ((0.3, 0.01), False)])
def test_hiding_is_said_where_every_oracle_knows_less(values, said: bool) -> None:  # type: ignore[no-untyped-def]
    rows = [
        replace(FA, metric="KR", split="forget/above_oracle", value=value, oracle_seed=seed)
        for seed, value in enumerate(values)
    ]
    assert ("npo@weak seed 3 hides rather than forgets: KR" in printed(FA, *rows)) == said


def test_hiding_needs_a_row_of_every_oracle() -> None:
    """Of two oracles one has too few questions: nothing is said on the word of the other alone."""
    row = replace(FA, metric="KR", split="forget/above_oracle", value=0.3, oracle_seed=0)
    lacking = replace(row, value=None, se=None, status="too_few", oracle_seed=1)
    assert "hides" in printed(FA, row)
    assert "hides" not in printed(FA, row, lacking)
    distance = replace(FA, metric="AD", oracle_seed=1)
    assert "hides" not in printed(FA, row, distance)


def test_a_metric_that_collapsed_is_no_collapsed_model() -> None:
    lost = replace(FA, metric="KL", value=None, se=None, status="collapsed")
    against = replace(lost, metric="JS", oracle_seed=0)
    text = printed(replace(FA, value=0.9), lost, against)
    assert "npo@weak seed 3 is collapsed" not in text
    assert "npo@weak seed 3 has no values of JS, KL (collapsed)" in text
    health = replace(FA, metric="EMPTY", split="retain", value=1.0)
    assert "npo@weak seed 3 is collapsed" in printed(lost, against, health)


def test_over_forgetting_counts_the_oracles_that_have_a_value() -> None:
    """z 9 is beyond 4.3 (three oracles); two oracles tell nothing."""
    low = replace(FA, value=0.0, gap=-0.25, z=-9.0)
    absent = replace(ORACLES[2], value=None, se=None, status="collapsed")
    assert "over-forgets" in printed(low, *ORACLES)
    assert "over-forgets" not in printed(low, *ORACLES[:2], absent)


def test_an_oracle_is_tested_against_the_others_alone() -> None:
    """z 4 of one of four oracles is against three values: two degrees of freedom, 4.3."""
    odd = replace(ORACLES[0], strength="", value=0.0, gap=-0.25, z=-4.0)
    others = [*ORACLES[1:], replace(ORACLES[0], seed=3)]
    assert "over-forgets" not in printed(odd, *others)
    assert "oracle 0 over-forgets" in printed(replace(odd, z=-4.5), *others)


def test_a_model_that_is_not_told_apart_is_not_said_to_be_like_an_oracle() -> None:
    near = replace(FA, gap=0.01, z=0.5)
    text = printed(near, *ORACLES)
    assert "FA does not tell npo@weak seed 3 from an oracle by these 3 oracles" in text
    assert "like one" in text
    assert "does not tell" not in printed(replace(near, gap=-0.25, z=-9.0), *ORACLES)


@pytest.mark.parametrize("z", [-90.0, 0.1, None])
def test_two_oracles_are_said_to_tell_nothing(z: float | None) -> None:
    row = replace(FA, gap=-0.25, z=z)
    text = printed(row, *ORACLES[:2])
    assert "2 oracles cannot tell whether npo@weak seed 3 differs from one more (FA)" in text
    assert "over-forgets" not in text
    assert "cannot tell" not in printed(row, *ORACLES)


def test_collapse_and_missing_oracles_are_said() -> None:
    dead = replace(FA, value=None, se=None, status="collapsed")
    without = replace(FA, method="salun", metric="JS", value=None, se=None, status="missing_oracle")
    text = printed(dead, without, notes=("a batch was halved",))
    assert "npo@weak seed 3 is collapsed" in text
    assert "without an oracle there are no values of JS" in text
    assert "- a batch was halved" in text


def test_a_metric_of_ones_own_is_shown_too() -> None:
    card = replace(CARDS["FA"], name="mine", symbol="MINE", split="retain")
    sick = replace(card, name="sick", symbol="SICK", group="health")
    rows = [
        FA,
        replace(FA, metric="MINE", split="retain", value=0.625),
        replace(FA, metric="MINE", split="forget", value=0.875),
        replace(FA, metric="SICK", split="retain", value=0.125),
    ]
    console = Console(file=io.StringIO(), width=150)
    show(Result(rows, (), (), (), [CARDS["FA"], card, sick]), console)
    assert isinstance(console.file, io.StringIO)
    first, health = console.file.getvalue().split("Health")
    assert "MINE" in first
    assert "0.625" in first
    assert "0.875" not in first + health
    assert "SICK" not in first
    assert "0.125" in health
