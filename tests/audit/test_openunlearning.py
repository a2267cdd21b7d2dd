from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from uqs.audit import audit
from uqs.audit.openunlearning import (
    auc,
    evaluate,
    quantisation_robustness,
    relearning_robustness,
)
from uqs.results.tables import directions_of, long_form


def meta(rows, metric="FA", **directions):
    columns = ["method", "seed", "role", "knowledge", "stage", metric]
    frame = pd.DataFrame(rows, columns=columns).assign(benchmark="b")
    long = long_form(frame)
    return evaluate(long, directions_of(long, directions=directions or None))


def test_auc_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    present, absent = rng.integers(0, 6, 20) + 1.0, rng.integers(0, 6, 30) + 0.0
    truth = np.r_[np.ones(20), np.zeros(30)]
    assert auc(present, absent) == pytest.approx(roc_auc_score(truth, np.r_[present, absent]))
    assert auc(present, np.array([])) is None


def test_robustness_by_hand():
    gains = relearning_robustness(np.array([0.5, 0.2, 0.0, -0.1]), np.array([0.25, 0.4, 0.1, 0.1]))
    assert gains == pytest.approx([0.5, 1, 1, 1])
    kept = quantisation_robustness(np.array([0.2, 0.4, 0.0]), np.array([0.4, 0.1, 0.0]))
    assert kept == pytest.approx([0.5, 1, np.nan], nan_ok=True)
    assert np.isnan(relearning_robustness(np.zeros(1), np.zeros(1))).all()


def test_dead_models_have_no_robustness():
    rows = [
        ("x", 0, "unlearned", "", "before", 0.0),
        ("x", 0, "unlearned", "", "relearned", 0.0),
        ("x", 0, "unlearned", "", "quantised", 0.0),
        ("retrain", 1, "oracle", "", "before", 0.0),
        ("retrain", 1, "oracle", "", "relearned", 0.0),
    ]
    (found,) = meta(rows)
    assert (found.relearning, found.quantisation, found.robustness) == (None, None, None)


def test_faithfulness_is_that_of_the_headline_split():
    rows = [
        ("p", "present", "forget", 0.9),
        ("q", "absent", "forget", 0.1),
        ("p", "present", "holdout", 0.0),
        ("q", "absent", "holdout", 1.0),
    ]
    frame = pd.DataFrame(rows, columns=["method", "knowledge", "split", "value"])
    long = long_form(frame.assign(benchmark="b", seed=0, metric="FA"))
    (found,) = evaluate(long, directions_of(long))
    assert found.faithfulness == 1


ROWS = [
    ("p", 0, "", "present", "", 0.9),
    ("p", 1, "", "present", "", 0.7),
    ("a", 0, "", "absent", "", 0.1),
    ("a", 1, "", "absent", "", 0.8),
    ("m", 0, "unlearned", "", "before", 0.2),
    ("m", 0, "unlearned", "", "relearned", 0.6),
    ("m", 0, "unlearned", "", "quantised", 0.4),
    ("k", 0, "unlearned", "", "before", 0.3),
    ("retrain", 0, "oracle", "", "before", 0.1),
    ("retrain", 0, "oracle", "", "relearned", 0.3),
]


def test_faithfulness_and_robustness_of_a_table():
    (found,) = meta(ROWS)
    assert found.faithfulness == pytest.approx(3 / 4)
    assert found.relearning == pytest.approx(0.5)
    assert found.quantisation == pytest.approx(0.5)
    assert found.robustness == pytest.approx(0.5)
    assert found.unlearned_models == 1


def test_a_higher_metric_is_read_from_its_upper_bound():
    flipped = [(*row[:-1], 1 - row[-1]) for row in ROWS]
    (found,) = meta(flipped, "RA")
    assert found.faithfulness == pytest.approx(3 / 4)
    assert found.robustness == pytest.approx(0.5)


def test_what_a_table_lacks_is_none():
    (found,) = meta(ROWS[:4] + ROWS[7:8])
    assert found.faithfulness is not None
    assert found.relearning is found.quantisation is found.robustness is None
    assert meta([("m", 0, "", "", "", 0.5)]) == ()


def test_the_audit_tells_of_it():
    frame = pd.DataFrame(ROWS, columns=["method", "seed", "role", "knowledge", "stage", "FA"])
    found = audit(frame.assign(benchmark="b"), rng=np.random.default_rng(0), resamples=50)
    assert found.design.rows == 2
    assert found.meta_evaluation[0].faithfulness == pytest.approx(3 / 4)
    assert any("AUC of 0.75" in verdict for verdict in found.verdicts)
