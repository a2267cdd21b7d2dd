from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from uqs.traces.trace import join


def test_losses_by_a_plain_loop(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace()
    for i, loss in enumerate(trace.gold_losses()):
        at = range(trace.offsets[i], trace.offsets[i + 1])
        gold = [-float(trace.top_log_probs[k, trace.gold_ids[k]]) for k in at]
        assert loss == pytest.approx(sum(gold) / len(gold), rel=1e-5)


def test_some_samples_keep_what_is_theirs(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace(top_k=4)
    some = trace.take([7, 2])
    assert some.ids == (trace.ids[7], trace.ids[2])
    np.testing.assert_allclose(some.gold_losses(), trace.gold_losses()[[7, 2]])
    np.testing.assert_array_equal(some.candidate_losses[2:4], trace.candidate_losses[4:6])
    assert some.top_ids[0].tolist() == trace.top_ids[trace.offsets[7]].tolist()


def test_parts_of_different_models_do_not_join(make_trace) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="differ in complete"):
        join([make_trace(), make_trace(top_k=3)])
    other = dataclasses.replace(make_trace(), answer_activations={})
    with pytest.raises(ValueError, match="layers of answer_activations"):
        join([make_trace(), other])


def test_a_model_that_overflowed_is_not_finite(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace()
    assert trace.finite
    broken = trace.gold_log_probs.copy()
    broken[3] = np.nan
    assert not dataclasses.replace(trace, gold_log_probs=broken).finite
