"""Traces with chosen scores, and simulated shadow models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from uqs.metrics.base import Evidence, References, Shadow
from uqs.traces.trace import Trace

Floats = NDArray[np.float64]
EACH = 4


@pytest.fixture
def scored(make_trace) -> Callable[..., Trace]:  # type: ignore[no-untyped-def]
    """A trace of four samples an entity whose gold tokens all lose `losses` nats.

    Texts are of one length and distributions of unit variance around 0, so every attack that reads the gold
    tokens orders the samples by `losses`, and the gradient attack by `gradient_norms`.
    """

    def make(split: str, losses: Floats, gradient_norms: Floats | None = None) -> Trace:
        trace = make_trace(split, entities=len(losses) // EACH, each=EACH)
        return replace(
            trace,
            gold_log_probs=-np.repeat(losses, trace.lengths()).astype(np.float32),
            means=np.zeros_like(trace.means),
            variances=np.ones_like(trace.variances),
            gradient_norms=np.asarray(
                np.ones(len(losses)) if gradient_norms is None else gradient_norms, np.float32
            ),
        )

    return make


class Simulation(NamedTuple):
    model: Evidence
    references: References


@pytest.fixture
def simulate(scored) -> Callable[..., Simulation]:  # type: ignore[no-untyped-def]
    """Models whose logits are normal around a mean of the sample, moved by `leak` where its entity was learnt
    and unlearned; `leak` (n,) is of forget and then of holdout. The measured model learnt all of forget.
    """

    def make(seed: int, leak: Floats, shadows: int, noise: float = 1.0) -> Simulation:
        rng = np.random.default_rng(seed)
        centres = rng.normal(size=len(leak)) * 2
        half = len(leak) // 2
        names = [*(f"forget-e{i // EACH}" for i in range(half))]
        names += [f"holdout-e{i // EACH}" for i in range(half)]
        entities = list(dict.fromkeys(names))

        def traces(learnt: set[str]) -> dict[str, Trace]:
            seen = np.array([name in learnt for name in names])
            logits = centres + leak * seen + rng.normal(size=len(leak)) * noise
            losses = np.log1p(np.exp(-logits))
            return {
                "forget": scored("forget", losses[:half]),
                "holdout": scored("holdout", losses[half:]),
            }

        made = []
        for _ in range(shadows // 2):
            first = set(rng.permutation(entities)[: len(entities) // 2].tolist())
            for members in (first, set(entities) - first):
                made.append(Shadow(frozenset(members), True, traces(members)))
        return Simulation(Evidence(traces(set(names[:half]))), References(shadows=made))

    return make
