from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from uqs.metrics.base import Evidence, References
from uqs.metrics.membership.priv_leak import PrivLeak
from uqs.records import Status

SPLITS = ("forget", "holdout")


def leak(model: Evidence, oracle: Evidence):  # type: ignore[no-untyped-def]
    return next(PrivLeak().measure(model, References({1: oracle}))).measurement


def drawn(scored, rng, shift: float, size: int = 80) -> Evidence:  # type: ignore[no-untyped-def]
    """Losses that members and non_members share an entity's part of; members' are lower by `shift`."""
    losses = {
        s: np.repeat(rng.normal(size=size // 4), 4) + rng.normal(size=size) + 20 for s in SPLITS
    }
    return Evidence({s: scored(s, losses[s] - shift * (s == "forget")) for s in SPLITS})


def test_equals_the_published_formula_on_scikit_learn_areas(make_trace) -> None:  # type: ignore[no-untyped-def]
    """Holdout is the positive class and the score minus the loss of the 40 % least likely tokens."""
    areas, models = [], []
    for seed in (0, 10):
        traces = {s: make_trace(s, seed + i) for i, s in enumerate(SPLITS)}
        scores = [
            min(t.gold_log_probs[t.offsets[i] : t.offsets[i + 1]])  # up to four tokens: 40 % is one
            for t in traces.values()
            for i in range(len(t))
        ]
        areas.append(roc_auc_score(np.repeat([0, 1], 24), scores))
        models.append(Evidence(traces))
    expected = 100 * (areas[0] - areas[1]) / areas[1]
    assert leak(*models).value == pytest.approx(expected)


def test_under_unlearning_is_negative_over_unlearning_positive(scored) -> None:  # type: ignore[no-untyped-def]
    oracle = drawn(scored, np.random.default_rng(0), 0)
    assert leak(drawn(scored, np.random.default_rng(1), 20), oracle).value == -100
    assert leak(drawn(scored, np.random.default_rng(1), -20), oracle).value > 50
    assert leak(oracle, oracle).value == 0


def test_the_error_of_the_oracle_itself_is_none(scored) -> None:  # type: ignore[no-untyped-def]
    oracle = drawn(scored, np.random.default_rng(0), 0.5)
    assert leak(oracle, oracle).se == pytest.approx(0, abs=1e-9)


def test_the_error_matches_repeated_draws_of_entities(scored) -> None:  # type: ignore[no-untyped-def]
    rng, values, ses = np.random.default_rng(3), [], []
    for _ in range(300):
        oracle = drawn(scored, rng, 0)
        # the model's losses are the oracle's, changed: both see the same entities
        model = Evidence(
            {
                s: scored(
                    s, t.gold_losses() + 0.7 * rng.normal(size=len(t)) - 0.6 * (s == "forget")
                )
                for s, t in oracle.traces.items()
            }
        )
        row = leak(model, oracle)
        values.append(row.value)
        ses.append(row.se)
    assert np.mean(ses) == pytest.approx(np.std(values), rel=0.12)


def test_an_oracle_that_tells_all_apart_is_no_yardstick(scored) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    row = leak(drawn(scored, rng, 0), drawn(scored, rng, 30))
    assert (row.value, row.status) == (None, Status.GATE_FAILED)


@pytest.mark.parametrize("bad", [-np.inf, np.nan])
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("of_oracle", [False, True])
def test_an_answer_without_probability_is_collapsed(scored, of_oracle, split, bad) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    both = drawn(scored, rng, 0), drawn(scored, rng, 0)
    both[of_oracle].traces[split].gold_log_probs[7] = bad
    row = leak(*both)
    assert (row.value, row.status) == (None, Status.COLLAPSED)


def test_a_missing_oracle_or_split_is_a_status(scored) -> None:  # type: ignore[no-untyped-def]
    model = drawn(scored, np.random.default_rng(0), 0)
    row = next(PrivLeak().measure(model, References())).measurement
    assert row.status == Status.MISSING_ORACLE
    assert leak(model, Evidence({"forget": model.traces["forget"]})).status == Status.MISSING_TRACE
