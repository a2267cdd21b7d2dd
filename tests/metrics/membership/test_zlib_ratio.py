from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest

from uqs.metrics.membership.zlib_ratio import ZlibAUC


def test_scores_equal_a_plain_loop(make_trace) -> None:  # type: ignore[no-untyped-def]
    trace = make_trace()
    trace = replace(trace, golds=tuple(f"naïve {'ab' * i} answer" for i in range(len(trace))))
    expected = []
    for i in range(len(trace)):
        tokens = trace.gold_log_probs[trace.offsets[i] : trace.offsets[i + 1]]
        size = len(zlib.compress(bytes(trace.golds[i], "utf-8")))
        expected.append(-np.mean(tokens.astype(float)) / size)
    assert ZlibAUC().score(trace) == pytest.approx(expected)


def test_of_two_equal_losses_the_richer_text_looks_more_like_a_member(scored) -> None:  # type: ignore[no-untyped-def]
    trace = scored("forget", np.full(4, 2.0))
    plain, rich = "a" * 40, "She was born in Lisbon in March 1987 now"
    assert len(plain) == len(rich)
    score = ZlibAUC().score(replace(trace, golds=(plain, rich, plain, rich)))
    assert score[1] < score[0]
