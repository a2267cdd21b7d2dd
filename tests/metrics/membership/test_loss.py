from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from uqs.metrics.base import Evidence, References
from uqs.metrics.membership import MembershipAdvantage, MembershipAUC, MembershipTPR
from uqs.metrics.membership.statistics import attack_hits

ALL = (MembershipAUC, MembershipAdvantage, MembershipTPR)


def traces(make_trace) -> Evidence:  # type: ignore[no-untyped-def]
    return Evidence(
        {name: make_trace(name, seed) for seed, name in enumerate(("forget", "holdout"))}
    )


def losses(trace) -> list[float]:  # type: ignore[no-untyped-def]
    return [
        -float(np.mean(trace.gold_log_probs[trace.offsets[i] : trace.offsets[i + 1]].astype(float)))
        for i in range(len(trace))
    ]


def test_auc_and_tpr_equal_scikit_learn(make_trace) -> None:  # type: ignore[no-untyped-def]
    model = traces(make_trace)
    scores = -np.array([x for s in ("forget", "holdout") for x in losses(model.traces[s])])
    member = np.repeat([1, 0], 24)
    auc = next(MembershipAUC().measure(model, References()))
    assert auc.measurement.value == pytest.approx(roc_auc_score(member, scores))
    rates = roc_curve(member, scores, drop_intermediate=False)
    tpr = next(MembershipTPR().measure(model, References()))
    assert tpr.measurement.value == rates[1][rates[0] <= 0.01].max()


def test_advantage_is_that_of_the_cross_fitted_hits(make_trace) -> None:  # type: ignore[no-untyped-def]
    model = traces(make_trace)
    hits = attack_hits(
        np.array(losses(model.traces["forget"])),
        model.traces["forget"].entities,
        np.array(losses(model.traces["holdout"])),
        model.traces["holdout"].entities,
    )
    accuracy = (hits[0].mean() + hits[1].mean()) / 2
    row = next(MembershipAdvantage().measure(model, References())).measurement
    assert row.value == pytest.approx(2 * abs(accuracy - 0.5))


@pytest.mark.parametrize("metric", ALL)
def test_the_row_says_n_and_error(make_trace, metric) -> None:  # type: ignore[no-untyped-def]
    row = next(metric().measure(traces(make_trace), References())).measurement
    assert (row.metric, row.split, row.n) == (metric.card.symbol, "forget", 48)
    assert row.se is not None
    assert row.se > 0
    assert 0 <= row.value <= 1


@pytest.mark.parametrize("metric", [MembershipAUC, MembershipTPR])
def test_the_value_is_the_mean_of_the_members(make_trace, metric) -> None:  # type: ignore[no-untyped-def]
    row = next(metric().measure(traces(make_trace), References()))
    assert row.per_sample.ids == make_trace("forget").ids
    assert row.per_sample.values.mean() == pytest.approx(row.measurement.value)
