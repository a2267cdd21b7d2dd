from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC

from uqs.metrics.base import Evidence, References
from uqs.metrics.membership.efficacy import MembershipEfficacy, chosen, confidence
from uqs.records import Status


def efficacy(traces):  # type: ignore[no-untyped-def]
    return next(MembershipEfficacy().measure(Evidence(traces), References()))


def losses_of(confidences: list[float], size: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return -np.log(rng.choice(confidences, size) + rng.uniform(-0.01, 0.01, size))


def test_equals_a_classifier_on_the_written_out_kernel(make_trace) -> None:  # type: ignore[no-untyped-def]
    traces = {
        s: make_trace(s, i, entities=20) for i, s in enumerate(("forget", "retain", "holdout"))
    }
    found = {
        s: np.array(
            [
                [np.exp(np.mean(t.gold_log_probs[t.offsets[i] : t.offsets[i + 1]].astype(float)))]
                for i in range(len(t))
            ]
        )
        for s, t in traces.items()
    }
    data = np.concatenate([found["retain"], found["holdout"]])
    machine = SVC(C=3, kernel="precomputed")  # gamma "auto": 1 over the number of features, one
    machine.fit(rbf_kernel(data, gamma=1.0), np.repeat([1, 0], 80))
    called = machine.predict(rbf_kernel(found["forget"], data, gamma=1.0))
    row = efficacy(traces)
    assert row.measurement.value == pytest.approx((called == 0).mean())
    assert row.measurement.n == 80
    assert row.measurement.se is not None
    assert row.per_sample.values == pytest.approx(1 - called)


@pytest.mark.parametrize(("forget", "expected"), [([0.95], 0.0), ([0.3], 1.0), ([0.3, 0.95], 0.5)])
def test_counts_the_forget_samples_that_look_like_non_members(  # type: ignore[no-untyped-def]
    scored, forget: list[float], expected: float
) -> None:
    row = efficacy(
        {
            "forget": scored("forget", losses_of(forget, 400)),
            "retain": scored("retain", losses_of([0.95], 80)),
            "holdout": scored("holdout", losses_of([0.3], 80)),
        }
    )
    assert row.measurement.value == pytest.approx(expected, abs=0.06)


def test_the_larger_split_is_cut_to_the_smaller_whatever_its_order(scored) -> None:  # type: ignore[no-untyped-def]
    """A classifier that saw nine times as many members would call a doubtful sample a member."""
    retain = scored("retain", losses_of([0.2, 0.4, 0.6, 0.8], 720, 1))
    traces = {
        "forget": scored("forget", losses_of([0.2, 0.4, 0.6, 0.8], 400, 2)),
        "retain": retain,
        "holdout": scored("holdout", losses_of([0.2, 0.4, 0.6, 0.8], 80, 3)),
    }
    value = efficacy(traces).measurement.value
    assert 0.1 < value < 0.9
    order = np.random.default_rng(0).permutation(720)
    turned = retain.take(order)
    assert efficacy({**traces, "retain": turned}).measurement.value == value
    first = {retain.ids[i] for i in chosen(retain, 80)}
    assert len(first) == 80
    assert {turned.ids[i] for i in chosen(turned, 80)} == first


def test_confidence_is_the_geometric_mean(scored) -> None:  # type: ignore[no-untyped-def]
    assert confidence(scored("forget", np.array([0.0, 1, 2, 3]))) == pytest.approx(
        np.exp([0, -1, -2, -3])
    )


@pytest.mark.parametrize("split", ["forget", "retain", "holdout"])
def test_an_answer_without_probability_is_collapsed(scored, split: str) -> None:  # type: ignore[no-untyped-def]
    traces = {s: scored(s, losses_of([0.3, 0.95], 80)) for s in ("forget", "retain", "holdout")}
    traces[split].gold_log_probs[5] = -np.inf
    row = efficacy(traces).measurement
    assert (row.value, row.status) == (None, Status.COLLAPSED)


def test_a_missing_split_is_a_status(scored) -> None:  # type: ignore[no-untyped-def]
    row = efficacy({s: scored(s, np.ones(8)) for s in ("forget", "holdout")}).measurement
    assert (row.value, row.status) == (None, Status.MISSING_TRACE)


@pytest.mark.parametrize(
    "losses",
    [
        lambda rng, n: np.full(n, 0.7),  # every answer as likely as any other
        lambda rng, n: rng.uniform(60, 120, n),  # none likely at all
        lambda rng, n: rng.uniform(1e-12, 1e-10, n),  # all of them certain
    ],
)
def test_confidences_that_do_not_differ_train_no_classifier(scored, losses) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    row = efficacy({s: scored(s, losses(rng, 80)) for s in ("forget", "retain", "holdout")})
    assert (row.measurement.value, row.measurement.se) == (None, None)
    assert row.measurement.status == Status.TOO_FEW
