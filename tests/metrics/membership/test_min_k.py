from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from uqs.metrics.membership.min_k import MinKAUC, lowest
from uqs.traces.trace import Trace


def long_answers(trace: Trace, lengths: list[int], seed: int = 0) -> Trace:
    """The first samples of a trace, with answers of these lengths."""
    rng = np.random.default_rng(seed)
    positions, trace = sum(lengths), trace.take(range(len(lengths)))
    return replace(
        trace,
        offsets=np.cumsum([0, *lengths]),
        gold_ids=np.zeros(positions, np.int64),
        gold_ranks=np.zeros(positions, np.int64),
        gold_log_probs=-rng.gamma(2, size=positions).astype(np.float32),
        means=-rng.gamma(2, size=positions).astype(np.float32),
        variances=rng.gamma(2, size=positions).astype(np.float32),
        tail_masses=np.zeros(positions, np.float32),
        top_log_probs=np.zeros((positions, trace.vocabulary), np.float32),
    )


def test_scores_equal_a_plain_loop(make_trace) -> None:  # type: ignore[no-untyped-def]
    lengths = [1, 4, 5, 9, 10, 14, 15, 23]
    trace = long_answers(make_trace(), lengths)
    start, expected = 0, []
    for length, count in zip(lengths, [1, 1, 1, 1, 2, 2, 3, 4], strict=True):
        tokens = sorted(float(x) for x in trace.gold_log_probs[start : start + length])
        expected.append(-sum(tokens[:count]) / count)
        start += length
    assert MinKAUC().score(trace) == pytest.approx(expected)


def test_all_tokens_are_the_mean(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace()
    values = trace.gold_log_probs.astype(np.float64)
    assert lowest(trace, values, 100) == pytest.approx(-trace.gold_losses())


def test_one_unlikely_token_in_five_decides(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = long_answers(make_trace(), [5, 5])
    tokens = np.array([-9, 0, 0, 0, 0, -2, -2, -2, -2, -2], np.float32)
    score = MinKAUC().score(replace(trace, gold_log_probs=tokens))
    assert score == pytest.approx([9, 2])
