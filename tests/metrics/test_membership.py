from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from uqs.metrics.base import Evidence, References
from uqs.metrics.membership import MembershipAdvantage, MembershipAUC, attack_hits, fit, folds


def entities(prefix: str, count: int, each: int) -> list[str]:
    return [f"{prefix}{i // each:03d}" for i in range(count * each)]


def test_auc_equals_scikit_learn(make_trace) -> None:  # type: ignore[no-untyped-def]
    traces = {name: make_trace(name, seed) for seed, name in enumerate(("forget", "holdout"))}
    found = next(MembershipAUC().measure(Evidence(traces), References())).measurement
    losses = np.concatenate([traces[s].gold_losses() for s in ("forget", "holdout")])
    member = np.repeat([1, 0], 24)
    assert found.value == pytest.approx(roc_auc_score(member, -losses))


def test_auc_standard_error_matches_repeated_draws() -> None:
    rng = np.random.default_rng(5)
    from uqs.metrics.clustered import clustered_mean
    from uqs.metrics.membership import wins

    aucs, ses = [], []
    for _ in range(400):
        member = np.repeat(rng.normal(size=20), 5) + rng.normal(size=100)
        stranger = np.repeat(rng.normal(size=20), 5) + rng.normal(size=100)
        first = clustered_mean(wins(member, stranger), entities("m", 20, 5))
        second = clustered_mean(1 - wins(stranger, member), entities("s", 20, 5))
        aucs.append(first.value)
        assert first.se is not None
        assert second.se is not None
        ses.append(np.hypot(first.se, second.se))
    assert np.mean(ses) == pytest.approx(np.std(aucs), rel=0.12)


def test_fit_finds_the_best_threshold_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        member, stranger = rng.normal(size=12).round(1), rng.normal(size=9).round(1)
        rule = fit(member, stranger)
        every = np.unique(np.concatenate([member, stranger]))
        best = max(abs((member <= t).mean() - (stranger <= t).mean()) for t in every)
        got = abs((member <= rule.threshold).mean() - (stranger <= rule.threshold).mean())
        assert got == pytest.approx(best)


def test_strangers_of_the_same_kind_give_little_advantage_on_average() -> None:
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
    member, stranger = rng.normal(size=50) + shift, rng.normal(size=50)
    hits = attack_hits(member, entities("m", 10, 5), stranger, entities("s", 10, 5))
    assert hits[0].mean() + hits[1].mean() - 1 == pytest.approx(1, abs=0.05)


def test_folds_keep_entities_whole() -> None:
    names = entities("e", 11, 3)
    of = folds(names, 5)
    assert all(len(set(of[i : i + 3])) == 1 for i in range(0, 33, 3))
    assert set(of) == set(range(5))


def test_one_entity_cannot_be_cross_fitted() -> None:
    with pytest.raises(ValueError, match="two entities"):
        attack_hits(np.zeros(4), ["a"] * 4, np.ones(4), ["b", "b", "c", "c"])


def test_the_metric_reports_n_and_error(make_trace) -> None:  # type: ignore[no-untyped-def]
    traces = {name: make_trace(name, seed) for seed, name in enumerate(("forget", "holdout"))}
    found = next(MembershipAdvantage().measure(Evidence(traces), References())).measurement
    assert found.n == 48
    assert found.se is not None
    assert found.value is not None
    assert 0 <= found.value <= 1
