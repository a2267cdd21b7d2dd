from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from uqs.metrics.membership.statistics import (
    Scores,
    advantage,
    attack_hits,
    auc,
    fit,
    folds,
    signed_advantage,
    true_positives,
)


def entities(prefix: str, count: int, each: int) -> list[str]:
    return [f"{prefix}{i // each:03d}" for i in range(count * each)]


def drawn(seed: int, members: int, non_members: int, shift: float = 0.0, digits: int = 1) -> Scores:
    """Scores with ties; an entity for every two samples."""
    rng = np.random.default_rng(seed)
    return Scores(
        (rng.normal(size=members) - shift).round(digits),
        [f"m{i // 2}" for i in range(members)],
        rng.normal(size=non_members).round(digits),
        [f"s{i // 2}" for i in range(non_members)],
    )


@given(st.integers(0, 10_000), st.integers(2, 40), st.integers(2, 40))
def test_auc_equals_scikit_learn_with_ties(seed: int, members: int, non_members: int) -> None:
    scores = drawn(seed, members, non_members)
    labels = np.repeat([1, 0], [members, non_members])
    found = auc(scores)
    expected = roc_auc_score(labels, -np.concatenate([scores.members, scores.non_members]))
    assert found.value == pytest.approx(expected)
    assert found.by_member is not None
    assert found.by_member.mean() == pytest.approx(found.value)


def test_auc_standard_error_matches_repeated_draws() -> None:
    rng = np.random.default_rng(5)
    names = entities("m", 20, 5), entities("s", 20, 5)
    aucs, ses = [], []
    for _ in range(400):
        member = np.repeat(rng.normal(size=20), 5) + rng.normal(size=100)
        non_member = np.repeat(rng.normal(size=20), 5) + rng.normal(size=100)
        found = auc(Scores(member, names[0], non_member, names[1]))
        aucs.append(found.value)
        assert found.se is not None
        ses.append(found.se)
    assert np.mean(ses) == pytest.approx(np.std(aucs), rel=0.12)


@given(
    st.integers(0, 10_000),
    st.integers(1, 40),
    st.sampled_from([1, 2, 30, 99, 100, 101, 199, 200, 350]),
    st.sampled_from([1, 5]),
)
def test_true_positives_are_the_best_of_every_threshold(
    seed: int, members: int, non_members: int, percent: int
) -> None:
    scores = drawn(seed, members, non_members, shift=1.0)
    found = true_positives(scores, percent)
    best = 0.0
    for threshold in [*scores.members, *scores.non_members]:
        if 100 * int((scores.non_members <= threshold).sum()) <= percent * non_members:
            best = max(best, float((scores.members <= threshold).mean()))
    assert found.value == best


def test_true_positives_equal_scikit_learn() -> None:
    scores = drawn(1, 300, 400, shift=1.5, digits=3)
    labels = np.repeat([1, 0], [300, 400])
    rates = roc_curve(
        labels, -np.concatenate([scores.members, scores.non_members]), drop_intermediate=False
    )
    assert true_positives(scores).value == rates[1][rates[0] <= 0.01].max()


def test_fewer_than_a_hundred_non_members_allow_no_false_alarm() -> None:
    scores = Scores(np.array([0.0, 1.0, 2.0]), list("abc"), np.arange(1.0, 100.0), ["s"] * 99)
    assert true_positives(scores).value == pytest.approx(1 / 3)  # the tie with a non_member is none
    one_more = scores._replace(non_members=np.arange(1.0, 101.0), non_member_entities=["s"] * 100)
    assert true_positives(one_more).value == pytest.approx(2 / 3)


def test_true_positives_of_non_members_of_the_same_kind_are_near_the_false_ones() -> None:
    rates = [true_positives(drawn(seed, 100, 400, digits=9)).value for seed in range(300)]
    assert np.mean(rates) == pytest.approx(5 / 401, abs=0.0022)  # below the 5th lowest of 400


@pytest.mark.parametrize(("non_members", "shift"), [(90, 0.5), (90, 1.5), (400, 1.5), (400, 3.0)])
def test_true_positives_error_matches_repeated_draws_of_both_sides(
    non_members: int, shift: float
) -> None:
    """Two samples an entity; with 90 non_members the threshold is their lowest score."""
    rng, values, ses = np.random.default_rng(8), [], []

    def side(count: int) -> np.ndarray:
        return np.repeat(rng.normal(size=count // 2), 2) + rng.normal(size=count)

    names = entities("m", 60, 2), entities("s", non_members // 2, 2)
    for _ in range(200):
        found = true_positives(Scores(side(120) - shift, names[0], side(non_members), names[1]))
        values.append(found.value)
        assert found.se is not None
        ses.append(found.se)
    assert np.mean(ses) == pytest.approx(np.std(values), rel=0.25)


def test_true_positives_error_equals_a_plain_bootstrap() -> None:
    scores = drawn(4, 60, 140, shift=1.0)
    rng, found = np.random.default_rng(11), []
    for _ in range(3000):
        sides = []
        for values, names in ((scores[0], scores[1]), (scores[2], scores[3])):
            own = np.unique(names)
            chosen = rng.choice(own, len(own))
            sides.append([v for name in chosen for v in values[np.array(names) == name]])
        ordered = sorted(sides[1])
        found.append(np.mean(np.array(sides[0]) < ordered[len(ordered) // 100]))
    value = true_positives(scores).value
    expected = np.sqrt(np.mean((np.array(found) - value) ** 2))
    assert true_positives(scores).se == pytest.approx(expected, rel=0.1)


def test_true_positives_error_depends_on_no_order_nor_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scores = drawn(4, 60, 140, shift=1.0)
    expected = true_positives(scores).se
    first, second = (np.random.default_rng(k).permutation(n) for k, n in ((0, 60), (1, 140)))
    turned = Scores(
        scores.members[first],
        [scores.member_entities[i] for i in first],
        scores.non_members[second],
        [scores.non_member_entities[i] for i in second],
    )
    monkeypatch.setattr("uqs.metrics.membership.statistics.CELLS", 140 * 7)
    assert true_positives(turned).se == pytest.approx(expected, abs=1e-12)


def test_true_positives_have_no_error_with_one_entity_on_a_side() -> None:
    scores = drawn(4, 60, 140)
    assert true_positives(scores._replace(member_entities=["m"] * 60)).se is None
    assert true_positives(scores._replace(non_member_entities=["s"] * 140)).se is None


def test_advantage_is_whole_on_separate_scores_and_needs_two_entities_a_side() -> None:
    scores = drawn(3, 12, 10)._replace(members=np.full(12, -9.0))
    found = advantage(scores)
    assert found is not None
    assert found.value == 1
    assert advantage(scores._replace(non_member_entities=["one"] * 10)) is None


def test_fit_finds_the_best_threshold_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        member, non_member = rng.normal(size=12).round(1), rng.normal(size=9).round(1)
        rule = fit(member, non_member)
        every = np.unique(np.concatenate([member, non_member]))
        best = max(abs((member <= t).mean() - (non_member <= t).mean()) for t in every)
        got = abs((member <= rule.threshold).mean() - (non_member <= rule.threshold).mean())
        assert got == pytest.approx(best)


def test_non_members_of_the_same_kind_give_little_advantage_on_average() -> None:
    rng = np.random.default_rng(3)
    centred = []
    for _ in range(200):
        hits = attack_hits(
            rng.normal(size=100), entities("m", 20, 5), rng.normal(size=100), entities("s", 20, 5)
        )
        centred.append(hits[0].mean() + hits[1].mean() - 1)
    assert abs(np.mean(centred)) < 0.03  # the threshold never saw the entities it is judged on


@pytest.mark.parametrize("shift", [-6.0, 6.0])
def test_separated_losses_give_the_whole_advantage_on_either_side(shift: float) -> None:
    rng = np.random.default_rng(4)
    member, non_member = rng.normal(size=50) + shift, rng.normal(size=50)
    hits = attack_hits(member, entities("m", 10, 5), non_member, entities("s", 10, 5))
    assert hits[0].mean() + hits[1].mean() - 1 == pytest.approx(1, abs=0.05)


def test_folds_keep_entities_whole() -> None:
    names = entities("e", 11, 3)
    of = folds(names, 5)
    assert all(len(set(of[i : i + 3])) == 1 for i in range(0, 33, 3))
    assert set(of) == set(range(5))


def test_one_entity_cannot_be_cross_fitted() -> None:
    with pytest.raises(ValueError, match="two entities"):
        attack_hits(np.zeros(4), ["a"] * 4, np.ones(4), ["b", "b", "c", "c"])


def test_the_sign_says_whether_the_attack_holds_on_other_entities() -> None:
    """By hand: each side has entities of scores 1 and 2, crossed, so that every fitted rule is wrong."""
    right = Scores(np.array([1.0, 1.0]), ["a", "b"], np.array([2.0, 2.0]), ["c", "d"])
    wrong = Scores(np.array([1.0, 2.0]), ["a", "b"], np.array([2.0, 1.0]), ["c", "d"])
    for scores, signed in ((right, 0.5), (wrong, -0.5)):
        found, size = signed_advantage(scores), advantage(scores)
        assert found is not None and size is not None
        assert found.value == signed
        assert size.value == 1
    assert signed_advantage(right._replace(non_member_entities=["c", "c"])) is None


def test_without_a_difference_the_signed_one_is_0_on_average_and_the_other_is_not() -> None:
    """20 entities of 4 questions a side: the size is on average about its standard error."""
    rng, names = np.random.default_rng(3), [entities(side, 20, 4) for side in "ms"]
    drawn_both = [
        Scores(rng.normal(size=80), names[0], rng.normal(size=80), names[1]) for _ in range(400)
    ]
    signed, size = ([of(scores) for scores in drawn_both] for of in (signed_advantage, advantage))
    values = np.array([one.value for one in signed if one is not None])
    errors = np.array([one.se for one in size if one is not None])
    sizes = np.array([one.value for one in size if one is not None])
    assert abs(values.mean()) < 0.012
    assert sizes.mean() == pytest.approx(errors.mean(), rel=0.2)
    assert sizes.mean() == pytest.approx(0.08, abs=0.015)
