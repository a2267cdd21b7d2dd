"""The sentences that come before any number, held against rows that call for them and rows that do not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from uqs.records import Status
from uqs.report.cautions import cautions
from uqs.results import Row

ROW = Row(
    study="s", benchmark="b", edition="tiny", model="m", role="unlearned", method="npo",
    strength="weak", hyperparameters="{}", seed=3, oracle_seed=None, split="forget",
    metric="UNREAD", value=0.02, se=0.01, n=400, status="ok", config_hash="c", data_hash="d",
    version="0", device="cpu", seconds=1.0,
)  # fmt: skip
ORIGINAL = replace(ROW, role="original", method="original", strength="", value=0.01)


@dataclass(frozen=True)
class Sample:
    benchmark: str
    role: str
    method: str
    strength: str
    seed: int
    split: str
    metric: str
    id: str
    entity: str
    value: float


def said(*rows: Row, samples: tuple[Sample, ...] = ()) -> list[str]:
    return list(cautions(rows, lambda row: f"{row.method}@{row.strength}", samples))


def status(row: Row, found: Status, **changes: object) -> Row:
    return replace(row, value=None, se=None, status=found.value, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "se", "word"),
    [(0.42, 0.02, "lower"), (0.0, 0.0, None), (0.05, 0.01, None), (0.052, 0.001, "lower")],
)
def test_a_difference_in_unread_answers_is_said(value: float, se: float, word: str | None) -> None:
    original = replace(ORIGINAL, se=0.01)
    lines = said(replace(ROW, value=value, se=se), original)
    if word is None:
        assert lines == []
    else:
        (line,) = lines
        assert line.startswith(f"npo@weak: no choice can be read from {value:.1%} of its multiple")
        assert (
            f"of the original's from 1.0%. They count as wrong: its accuracy there is {word}"
            in line
        )


def test_a_model_that_is_read_better_than_its_original_is_named_too() -> None:
    (line,) = said(replace(ROW, value=0.0, se=0.0), replace(ORIGINAL, value=0.6, se=0.02))
    assert "accuracy there is higher for that" in line


def test_the_original_of_the_same_benchmark_split_and_seed_is_compared() -> None:
    far = replace(ORIGINAL, value=0.9)
    for other in (
        replace(far, benchmark="other"),
        replace(far, split="retain"),
        replace(far, seed=4),
    ):
        assert said(ROW, replace(ORIGINAL, seed=3), other) == []
    assert said(ROW) == []
    assert said(replace(ROW, role="oracle"), far) == []


def samples(row: Row, *values: float) -> tuple[Sample, ...]:
    return tuple(
        Sample(
            row.benchmark, row.role, row.method, row.strength, row.seed, row.split, "UNREAD",
            str(i), f"e{i // 2}", value,
        )
        for i, value in enumerate(values)
    )  # fmt: skip


def test_samples_are_paired() -> None:
    """One answer in 25 more, in every entity alike: beyond all noise when paired, within it otherwise."""
    mine, theirs = [0.0] * 50, [0.0] * 50
    model, original = replace(ROW, value=0.04, se=0.03), replace(ORIGINAL, value=0.0, se=0.0)
    assert said(model, original) == []
    mine[0] = mine[2] = 1.0
    one = (*samples(model, *mine), *samples(original, *theirs))
    assert said(model, original, samples=one) == []  # two entities of 25 are noise
    every = [1.0, *[0.0] * 29] * 10  # thirty questions an entity
    spread = tuple(
        replace(s, entity=f"e{int(s.id) // 30}") for s in samples(model, *every)
    ) + tuple(replace(s, entity=f"e{int(s.id) // 30}") for s in samples(original, *[0.0] * 300))
    assert len(said(model, original, samples=spread)) == 1


def test_known_holdout_is_said_with_the_shares() -> None:
    lost = [status(ROW, Status.KNOWN_HOLDOUT, metric=m) for m in ("MIA", "MIA_AUC")]
    shares = [
        replace(ROW, metric="FA", split="holdout", value=0.97),
        replace(ROW, metric="RA", split="retain", value=0.99),
    ]
    (line,) = said(*lost, *shares)
    assert "npo@weak answers the holdout questions like the retain questions" in line
    assert "(97% of the holdout questions and 99% of the retain questions)" in line
    assert line.endswith("no values of MIA and MIA_AUC")
    assert said(*shares) == []


def test_an_oracle_that_knows_holdout_is_said_once() -> None:
    rows = [
        status(replace(ROW, method=m, metric="PRIVLEAK", oracle_seed=1), Status.KNOWN_HOLDOUT)
        for m in ("a", "b")
    ]
    assert said(*rows) == [
        "b: oracle 1 answers the holdout questions like the retain questions, so it is not an oracle for "
        "PRIVLEAK"
    ]


def test_a_weak_original_is_said_once_a_split() -> None:
    rows = [
        status(replace(ROW, metric=metric, split=split), Status.WEAK_ORIGINAL)
        for metric, split in (("FA", "forget"), ("KR", "forget"), ("FA", "forget/cloze"))
    ]
    (line,) = said(*rows)
    assert line == (
        "b: the original answers under half of what it was taught, so it cannot be a baseline for FA and KR "
        "on forget: no values there"
    )


KNOWN = replace(ORIGINAL, metric="FA", value=0.31, judge="contains")


def test_an_original_that_knows_little_is_named_with_the_rule_and_the_strict_share() -> None:
    strict = replace(KNOWN, split="forget/strict", value=0.04, judge="strict")
    (line,) = said(KNOWN, strict)
    assert line == (
        "b: original@ itself answers 31% of the forget questions, judged by contains, 4% strictly: "
        "forgetting cannot be seen in what was hardly known"
    )
    (unread,) = said(KNOWN, replace(ORIGINAL, value=0.4))
    assert "contains (no choice can be read from 40% of its multiple-choice answers): " in unread
    (bare,) = said(replace(KNOWN, judge=None))
    assert "31% of the forget questions: forgetting" in bare


def test_an_original_that_knows_half_or_is_said_to_be_weak_already_is_not_named() -> None:
    assert (
        said(replace(KNOWN, value=0.5), replace(KNOWN, seed=4, value=None, status="collapsed"))
        == []
    )
    assert said(replace(KNOWN, split="holdout"), replace(KNOWN, role="oracle", value=0.0)) == []
    weak = status(ROW, Status.WEAK_ORIGINAL, metric="FA")
    assert [line for line in said(KNOWN, weak) if "itself" in line] == []
