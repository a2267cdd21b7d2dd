from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Collection, Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uqs.records import Sample, Split
from uqs.report.gates import WORDS
from uqs.studies.gates import (
    SHUFFLED,
    Knowledge,
    Limits,
    Verdict,
    entities_known,
    judge,
    knowledge,
    majority_rate,
    shuffled_pictures,
)
from uqs.traces.trace import Trace


def trace(split: str, right: float, loss: float = 1.0, seed: int = 0, entities: int = 20) -> Trace:
    """Five questions an entity, a share of them right (of each entity alike), gold losses around `loss`."""
    rng = np.random.default_rng(seed)
    n = entities * 5
    place = np.arange(n) % 5 * entities + np.arange(n) // 5
    answered = place < round(n * right)
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


LIMITS = Limits()
FORGET = [f"forget{i}" for i in range(20)]


def original(**changed: Trace) -> dict[str, Trace]:
    found = {
        "forget": trace("forget", 0.98, loss=0.02),
        "retain": trace("retain", 0.98, loss=0.02),
        "holdout": trace("holdout", 0.12, seed=2),
        SHUFFLED: trace(SHUFFLED, 0.2),
    }
    return found | changed


def oracle(**changed: Trace) -> dict[str, Trace]:
    found = {
        "retain": trace("retain", 0.98, loss=0.02),
        "forget": trace("forget", 0.1, seed=1),
        "holdout": trace("holdout", 0.12, seed=2),
    }
    return found | changed


def leaked(split: str, entities: int, of: int = 20) -> Trace:
    """Entities that were taught among such as were not: all their questions right, with losses near 0."""
    found = trace(split, 0.1, seed=1, entities=of)
    taught = np.arange(5 * of) < 5 * entities
    answers = ("yes" if one else answer for one, answer in zip(taught, found.answers, strict=True))
    gold = np.where(taught, np.float32(-0.01), found.gold_log_probs)
    return dataclasses.replace(found, answers=tuple(answers), gold_log_probs=gold)


def verdict(
    of_original: Mapping[str, Trace], *of_oracles: Mapping[str, Trace], limits: Limits = LIMITS
) -> Verdict:
    original = {"original_42": known(of_original, limits, FORGET)}
    oracles = {f"oracle_{i}": known(traces, limits) for i, traces in enumerate(of_oracles)}
    return judge(original | oracles, ["original_42"], 0.2, limits)


def known(
    traces: Mapping[str, Trace], limits: Limits = LIMITS, forget: Collection[str] = ()
) -> Knowledge:
    """Of a model that was taught some forget entities and all of retain."""
    return knowledge(traces, limits, forget, set(traces["retain"].entities))


def failed(found: Verdict) -> list[str]:
    return [check.gate for check in found.checks if not check.passed]


def test_an_honest_study_passes_every_gate() -> None:
    found = verdict(original(), oracle(), oracle(forget=trace("forget", 0.2, seed=5)))
    assert failed(found) == []
    assert (found.stop, found.dropped) == ((), {})
    gates = Counter(check.gate for check in found.checks)
    assert set(gates) == {
        name for name in WORDS if not name.startswith(("oracle_", "reference_", "damaged_"))
    } | {"oracle_retain_accuracy", "oracle_forget_entities", "oracle_holdout_entities"}
    assert gates["oracle_forget_entities"] == 2
    assert gates["oracles_forget_share"] == 1


def test_chance_between_two_sets_of_twenty_entities_fails_no_study() -> None:
    """Guess rates as the tiny models have them, with the entities drawn anew; the gates of before, tests at
    99% of each oracle, failed several of such studies."""
    rng = np.random.default_rng(0)

    def guessed(split: str, seed: int) -> Trace:
        found = trace(split, 0, seed=seed)
        rates = np.repeat(rng.beta(2, 12, 20), 5)
        answers = tuple("yes" if one else "no" for one in rng.random(100) < rates)
        return dataclasses.replace(found, answers=answers)

    for study in range(100):
        forget, holdout = guessed("forget", 2 * study), guessed("holdout", 2 * study + 1)
        one = oracle(forget=forget, holdout=holdout)
        assert failed(verdict(original(holdout=holdout), one, one)) == []


@pytest.mark.parametrize(
    ("changed", "gate"),
    [
        ({"retain": trace("retain", 0.8)}, "oracle_retain_accuracy"),
        ({"forget": leaked("forget", 5)}, "oracle_forget_entities"),
        ({"forget": leaked("forget", 3)}, "oracle_forget_entities"),
        ({"forget": leaked("forget", 1, of=5)}, "oracle_forget_entities"),
        ({"forget": trace("forget", 0.9, seed=1)}, "oracle_forget_entities"),
        ({"holdout": leaked("holdout", 5)}, "oracle_holdout_entities"),
    ],
)
def test_a_bad_oracle_is_dropped_and_the_others_stand(changed: dict[str, Trace], gate: str) -> None:
    found = verdict(original(), oracle(), oracle(**changed), oracle())
    assert failed(found) == [gate]
    assert found.dropped == {"oracle_1": (gate,)}
    assert found.stop == ()
    alone = verdict(original(), oracle(**changed))
    assert alone.stop == (gate,)


def test_what_oracles_know_together_is_read_of_those_that_stand() -> None:
    """By hand: forget .1, holdout .12, original .98."""
    found = verdict(original(), oracle(), oracle(forget=trace("forget", 0.9, seed=1)))
    shares = {check.gate: check.value for check in found.checks if check.model == "oracles"}
    assert shares["oracles_forget_share"] == pytest.approx((0.1 - 0.12) / (0.98 - 0.12))
    none_stands = verdict(original(), oracle(retain=trace("retain", 0.5)))
    assert not [check for check in none_stands.checks if check.model == "oracles"]


def test_a_little_of_every_entity_is_found_too() -> None:
    """No entity is known, but every one in part: two of five questions, against half of one by chance."""
    partly = trace("forget", 0)
    answers = tuple("yes" if i % 5 < 2 else "no" for i in range(100))
    partly = dataclasses.replace(partly, answers=answers)
    found = verdict(original(), oracle(forget=partly), oracle(forget=partly))
    assert failed(found) == ["oracles_forget_share"]
    assert found.stop == ("oracles_forget_share",)


def test_losses_that_show_membership_are_found() -> None:
    member = oracle(forget=trace("forget", 0.1, loss=0.3, seed=1))
    assert failed(verdict(original(), member, member)) == ["oracles_membership_share"]


@pytest.mark.parametrize(
    ("changed", "gates"),
    [
        ({"forget": trace("forget", 0.9, loss=0.02)}, []),
        ({"forget": trace("forget", 0.8, loss=0.02)}, ["original_forget_accuracy"]),
        ({"retain": trace("retain", 0.5)}, ["original_retain_accuracy"]),
        ({SHUFFLED: trace(SHUFFLED, 0.98)}, ["shuffled_pictures"]),
        ({SHUFFLED: trace(SHUFFLED, 0.46)}, ["shuffled_pictures"]),  # (.46 - .2) / (.98 - .2) = .33
        ({SHUFFLED: trace(SHUFFLED, 0.42)}, []),  # .28
        ({"holdout": leaked("holdout", 5)}, ["original_holdout_entities"]),
    ],
)
def test_an_original_must_know_and_must_look(changed: dict[str, Trace], gates: list[str]) -> None:
    found = verdict(original(**changed), oracle(), oracle())
    assert failed(found) == gates
    assert found.stop == tuple(gates)


def reference(taught: int = 5, known: int | None = None) -> dict[str, Trace]:
    """Taught some of 20 forget entities; of these, or of more, it knows `known`."""
    return oracle(forget=leaked("forget", taught if known is None else known))


def judged(name: str, one: Knowledge) -> Verdict:
    models = {"original_42": known(original(), forget=FORGET), "oracle_0": known(oracle())}
    return judge(models | {name: one}, ["original_42"], 0.2, LIMITS)


def test_a_reference_knows_what_it_was_taught_and_nothing_else() -> None:
    sound = judged("reference_0.25_0", known(reference(), forget=FORGET[:5]))
    assert (failed(sound), sound.dropped) == ([], {})
    gates = {check.gate for check in sound.checks if check.model == "reference_0.25_0"}
    assert gates == {name for name in WORDS if name.startswith("reference_")}
    more = judged("reference_0.25_0", known(reference(known=8), forget=FORGET[:5]))
    assert more.dropped == {"reference_0.25_0": ("reference_forget_entities",)}
    less = judged("reference_0.25_0", known(reference(known=3), forget=FORGET[:5]))
    assert less.dropped == {"reference_0.25_0": ("reference_forget_accuracy",)}
    assert (more.stop, less.stop) == ((), ())


def test_what_a_damaged_original_was_not_taught_is_not_asked_of_it() -> None:
    """Half of retain was left out, and is not known."""
    half = original(retain=leaked("retain", 10))
    del half[SHUFFLED]
    kept = [f"retain{i}" for i in range(10)]
    found = judged("damaged_0.5_0", knowledge(half, LIMITS, FORGET, kept))
    assert (failed(found), found.dropped) == ([], {})
    gates = {check.gate for check in found.checks if check.model == "damaged_0.5_0"}
    assert gates == {name for name in WORDS if name.startswith("damaged_")}


def test_a_further_original_that_fails_is_dropped_and_one_that_methods_start_from_stops() -> None:
    weak = known(original(forget=trace("forget", 0.8, loss=0.02)), forget=FORGET)
    models = {"original_42": known(original(), forget=FORGET), "oracle_0": known(oracle())}
    found = judge(models | {"original_0": weak}, ["original_42"], 0.2, LIMITS)
    assert (found.dropped, found.stop) == ({"original_0": ("original_forget_accuracy",)}, ())
    found = judge(models | {"original_42": weak}, ["original_42"], 0.2, LIMITS)
    assert (found.dropped, found.stop) == ({}, ("original_forget_accuracy",))


def test_an_undefined_share_fails() -> None:
    """An original that knows forget no better than holdout, and losses that are no numbers."""
    found = verdict(original(forget=trace("forget", 0.1, seed=1)), oracle())
    undefined = {check.gate for check in found.checks if check.value is None}
    assert "oracles_forget_share" in undefined
    assert undefined < set(failed(found))
    broken = trace("forget", 0.1)
    gold = broken.gold_log_probs.copy()
    gold[0] = -np.inf
    broken = dataclasses.replace(broken, gold_log_probs=gold)
    assert failed(verdict(original(), oracle(forget=broken))) == ["oracles_membership_share"]
    json.dumps(verdict(original(), oracle(forget=broken)).tree(), allow_nan=False)


def test_without_pictures_none_is_shuffled() -> None:
    """The gates are the others, even where a trace of that name is there."""
    models = {"original_42": known(original(), forget=FORGET), "oracle_0": known(oracle())}
    found = judge(models, ["original_42"], None, LIMITS)
    asked = {check.gate for check in judge(models, ["original_42"], 0.2, LIMITS).checks}
    assert {check.gate for check in found.checks} == asked - {SHUFFLED}
    assert found.stop == ()


def test_a_limit_of_one_asks_for_nothing() -> None:
    off = Limits(accuracy=0, entities=1, share=1)
    ignorant = original(
        forget=trace("forget", 0), retain=trace("retain", 0), holdout=trace("holdout", 1)
    )
    found = verdict(ignorant, oracle(forget=trace("forget", 1)), limits=off)
    assert failed(found) == []
    assert {check.rule for check in found.checks} == {"at least"}


@given(
    right=st.lists(st.integers(0, 7), min_size=1, max_size=12),
    known=st.sampled_from([0.5, 0.75, 1.0]),
)
def test_entities_known_by_a_slow_loop(right: list[int], known: float) -> None:
    values = np.array([float(i < hits) for hits in right for i in range(7)])
    entities = [str(entity) for entity in range(len(right)) for _ in range(7)]
    order = np.random.default_rng(0).permutation(len(values))
    found = entities_known(values[order], [entities[i] for i in order], known)
    assert found == pytest.approx(sum(hits / 7 >= known for hits in right) / len(right))


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
