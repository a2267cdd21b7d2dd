"""Pairs of traces that keep the likeliest tokens alone, beside the whole distributions they were cut from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from uqs.traces.trace import Trace

MakePair = Callable[..., tuple[Trace, Trace, tuple[np.ndarray, np.ndarray]]]


@pytest.fixture(scope="session")
def make_pair() -> MakePair:
    """Two related models, 12 questions of one position; distributions are flatter the larger `spread`."""

    def make(seed: int, k: int, spread: float, vocabulary: int = 13):  # type: ignore[no-untyped-def]
        rng, n = np.random.default_rng(seed), 12
        base = rng.dirichlet(np.full(vocabulary, spread), n)
        mixed = [0.6 * base + 0.4 * rng.dirichlet(np.full(vocabulary, spread), n) for _ in "ab"]
        whole = [(side + 1e-9) / (side + 1e-9).sum(axis=1, keepdims=True) for side in mixed]
        return (*(_cut(side, k) for side in whole), tuple(whole))

    return make


@pytest.fixture(scope="session")
def cut() -> Callable[[np.ndarray, int], Trace]:
    return _cut


def _cut(probs: np.ndarray, k: int) -> Trace:
    """A trace that keeps the k likeliest tokens of each distribution, or all where k is the vocabulary."""
    n, vocabulary = probs.shape
    ids = np.argsort(-probs, axis=1)[:, :k]
    tail = probs.copy()
    np.put_along_axis(tail, ids, 0, axis=1)
    whole = k == vocabulary
    top = probs if whole else np.take_along_axis(probs, ids, axis=1)
    nothing = np.zeros(n, np.float32)
    return Trace(
        split="forget",
        ids=tuple(map(str, range(n))),
        entities=tuple(f"e{i // 3}" for i in range(n)),
        tasks=("short",) * n,
        pictured=(True,) * n,
        golds=("red",) * n,
        answers=("red",) * n,
        candidates=((),) * n,
        vocabulary=vocabulary,
        offsets=np.arange(n + 1),
        gold_ids=np.zeros(n, np.int64),
        gold_log_probs=np.log(probs[:, 0]).astype(np.float32),
        gold_ranks=np.zeros(n, np.int64),
        means=nothing,
        variances=nothing,
        top_ids=np.empty((0, 0), np.int32) if whole else ids.astype(np.int32),
        top_log_probs=np.log(top).astype(np.float32),
        tail_masses=tail.sum(axis=1).astype(np.float32),
        gradient_norms=nothing,
        candidate_losses=np.empty(0, np.float32),
        answer_activations={},
        prompt_activations={},
        lens_log_probs={},
        lens_ranks={},
    )
