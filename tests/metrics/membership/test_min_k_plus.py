from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from uqs.metrics.membership.min_k_plus import MinKPlusAUC


def test_scores_equal_a_plain_loop_over_whole_distributions(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace(vocabulary=30)
    expected = []
    for i in range(len(trace)):
        standardised = []
        for k in range(trace.offsets[i], trace.offsets[i + 1]):
            logs = trace.top_log_probs[k].astype(np.float64)
            mean = np.average(logs, weights=np.exp(logs))
            variance = np.average((logs - mean) ** 2, weights=np.exp(logs))
            standardised.append((logs[trace.gold_ids[k]] - mean) / np.sqrt(variance))
        expected.append(-min(standardised))  # answers of up to four tokens: 20 % is one
    assert MinKPlusAUC().score(trace) == pytest.approx(expected, rel=1e-3)


def test_a_certain_model_has_a_finite_score(scored) -> None:  # type: ignore[no-untyped-def]
    trace = scored("forget", np.array([0.0, 0.0, 1.0, 1.0]))
    score = MinKPlusAUC().score(replace(trace, variances=np.zeros_like(trace.variances)))
    assert score == pytest.approx([0, 0, 1000, 1000])
