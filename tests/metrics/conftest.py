"""Small hand-made traces."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from uqs.traces.trace import Trace

MakeTrace = Callable[..., Trace]


@pytest.fixture
def make_trace() -> MakeTrace:
    def make(
        split: str = "forget", seed: int = 0, entities: int = 6, each: int = 4, vocabulary: int = 11
    ) -> Trace:
        rng = np.random.default_rng(seed)
        shape = np.random.default_rng(99)  # gold tokens and lengths do not depend on the model
        n = entities * each
        lengths = shape.integers(1, 4, n)
        positions = int(lengths.sum())
        logits = rng.normal(size=(positions, vocabulary)) * 3
        return Trace(
            split=split,
            ids=tuple(f"{split}-{i}" for i in range(n)),
            entities=tuple(f"{split}-e{i // each}" for i in range(n)),
            tasks=("short",) * n,
            golds=("red",) * n,
            answers=tuple("Red." if rng.random() < 0.5 else "blue" for _ in range(n)),
            offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            gold_ids=shape.integers(0, vocabulary, positions).astype(np.int64),
            log_probs=(logits - np.log(np.exp(logits).sum(1, keepdims=True))).astype(np.float32),
            activations={k: rng.normal(size=(n, 5)).astype(np.float32) for k in (-1, -2)},
        )

    return make
