from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from uqs.metrics.base import Evidence, References
from uqs.metrics.membership.loss import MembershipAUC
from uqs.metrics.membership.reference import ReferenceAUC, excess
from uqs.records import Status


def model(make_trace, seed: int) -> Evidence:  # type: ignore[no-untyped-def]
    return Evidence({s: make_trace(s, seed + i) for i, s in enumerate(("forget", "holdout"))})


def test_each_oracle_has_a_row_that_equals_scikit_learn(make_trace) -> None:  # type: ignore[no-untyped-def]
    own, oracles = model(make_trace, 0), {4: model(make_trace, 10), 2: model(make_trace, 20)}
    rows = list(ReferenceAUC().measure(own, References(oracles)))
    assert [row.oracle_seed for row in rows] == [2, 4]
    for row in rows:
        scores = []
        for split in ("forget", "holdout"):
            first, second = own.traces[split], oracles[row.oracle_seed].traces[split]
            for i in range(len(first)):
                at = slice(first.offsets[i], first.offsets[i + 1])
                gap = second.gold_log_probs[at].astype(float) - first.gold_log_probs[at]
                scores.append(gap.mean())
        auc = roc_auc_score(np.repeat([1, 0], 24), -np.array(scores))
        assert row.measurement.value == pytest.approx(auc)


def test_hard_questions_do_not_hide_what_the_model_knows(scored) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    hard = {s: rng.gamma(2, 5, size=200) + 1 for s in ("forget", "holdout")}
    known = Evidence(
        {s: scored(s, hard[s] - (0.5 if s == "forget" else 0)) for s in ("forget", "holdout")}
    )
    oracle = Evidence({s: scored(s, hard[s]) for s in ("forget", "holdout")})
    alone = next(MembershipAUC().measure(known, References())).measurement.value
    against = next(ReferenceAUC().measure(known, References({0: oracle}))).measurement.value
    assert alone < 0.6
    assert against == 1


def test_without_an_oracle_there_is_a_status(make_trace) -> None:  # type: ignore[no-untyped-def]
    row = next(ReferenceAUC().measure(model(make_trace, 0), References())).measurement
    assert (row.value, row.status) == (None, Status.MISSING_ORACLE)


def test_other_samples_are_an_error(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace()
    with pytest.raises(ValueError, match="different samples"):
        excess(trace, replace(trace, ids=tuple(reversed(trace.ids))))
