from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest

from uqs.records import Sample, Split
from uqs.studies.gates import (
    SHUFFLED,
    Limits,
    check_oracle,
    check_original,
    majority_rate,
    shuffled_pictures,
)
from uqs.traces.trace import Trace


def trace(split: str, right: float, loss: float = 1.0, seed: int = 0, entities: int = 20) -> Trace:
    """Five questions an entity, a share of them right, gold losses around `loss`."""
    rng = np.random.default_rng(seed)
    n = entities * 5
    answered = np.arange(n) % 100 < 100 * right
    gold = -np.abs(rng.normal(loss, 0.3, n))
    nothing = np.zeros(n, dtype=np.float32)
    return Trace(
        split=split,
        ids=tuple(f"{split}{i}" for i in range(n)),
        entities=tuple(f"{split}{i // 5}" for i in range(n)),
        tasks=("short",) * n,
        pictured=(True,) * n,
        golds=("yes",) * n,
        answers=tuple("yes" if one else "no" for one in answered),
        candidates=((),) * n,
        vocabulary=2,
        offsets=np.arange(n + 1),
        gold_ids=np.zeros(n, dtype=np.int64),
        gold_log_probs=gold.astype(np.float32),
        gold_ranks=np.zeros(n, dtype=np.int64),
        means=nothing,
        variances=nothing,
        top_ids=np.empty((0, 0), dtype=np.int32),
        top_log_probs=np.stack([gold, np.log1p(-np.exp(gold))], axis=1).astype(np.float32),
        tail_masses=nothing,
        gradient_norms=nothing,
        candidate_losses=np.empty(0, dtype=np.float32),
        answer_activations={},
        prompt_activations={},
        lens_log_probs={},
        lens_ranks={},
    )


def oracle(**changed: Trace) -> dict[str, Trace]:
    found = {
        "retain": trace("retain", 0.98),
        "forget": trace("forget", 0.1, seed=1),
        "holdout": trace("holdout", 0.12, seed=2),
    }
    return found | changed


def failed(checks: object) -> list[str]:
    return [check.gate for check in checks if not check.passed]  # type: ignore[attr-defined]


def test_a_good_oracle_passes() -> None:
    assert failed(check_oracle("oracle_0", oracle(), Limits())) == []


@pytest.mark.parametrize(
    ("changed", "gate"),
    [
        ({"retain": trace("retain", 0.94)}, "oracle_retain_accuracy"),
        ({"forget": trace("forget", 0.9, seed=1)}, "oracle_forget_over_holdout"),
        ({"forget": trace("forget", 0.1, loss=0.3, seed=1)}, "oracle_membership_auc"),
        ({"forget": trace("forget", 0.1, loss=3.0, seed=1)}, "oracle_membership_auc"),
    ],
)
def test_an_oracle_that_knows_too_much_or_too_little_is_caught(
    changed: dict[str, Trace], gate: str
) -> None:
    assert failed(check_oracle("oracle_0", oracle(**changed), Limits())) == [gate]


@pytest.mark.parametrize(
    ("forget", "retain", "shuffled", "gates"),
    [
        (0.96, 0.95, 0.2, []),
        (0.94, 0.95, 0.2, ["original_forget_accuracy"]),
        (0.96, 0.5, 0.2, ["original_retain_accuracy"]),
        (0.96, 0.95, 0.9, ["shuffled_pictures"]),
    ],
)
def test_an_original_must_know_and_must_look(
    forget: float, retain: float, shuffled: float, gates: list[str]
) -> None:
    traces = {
        "forget": trace("forget", forget),
        "retain": trace("retain", retain),
        SHUFFLED: trace(SHUFFLED, shuffled),
    }
    assert failed(check_original("original_1", traces, 0.2, Limits())) == gates


def test_the_gate_on_fair_oracles_fails_as_seldom_as_its_level_says() -> None:
    false = 0
    for seed in range(300):
        fair = oracle(
            forget=trace("forget", 0.1, seed=2 * seed + 1),
            holdout=trace("holdout", 0.1, seed=2 * seed + 2),
        )
        false += "oracle_membership_auc" in failed(
            check_oracle("oracle", fair, Limits(confidence=0.9))
        )
    assert 10 <= false <= 50  # 30 expected


def test_one_entity_is_too_few_for_an_interval() -> None:
    with pytest.raises(ValueError, match="two entities"):
        list(check_oracle("oracle_0", oracle(forget=trace("forget", 0.1, entities=1)), Limits()))


def test_every_picture_question_gets_another_entitys_picture(samples: list[Sample]) -> None:
    shuffled = shuffled_pictures(Split("forget", tuple(samples)), np.random.default_rng(0))
    before = {s.id: s for s in samples}
    assert {s.id for s in shuffled.samples} == {s.id for s in samples if s.picture is not None}
    for sample in shuffled.samples:
        assert sample.picture is not None
        assert sample.picture != before[sample.id].picture
        assert dataclasses.replace(sample, picture=before[sample.id].picture) == before[sample.id]
    each = Counter(s.picture.name for s in shuffled.samples if s.picture)
    assert set(each.values()) == {2}  # a permutation: both questions of an entity see the same one


def test_majority_rate_by_hand(samples: list[Sample]) -> None:
    colours = [s for s in samples if s.task == "short"]
    again = dataclasses.replace(colours[0], id="again")
    assert majority_rate([*colours, again]) == pytest.approx(2 / 7)
    choices = [s for s in samples if s.task == "classification"]  # options differ, the letter is A
    assert majority_rate(choices) == 1
