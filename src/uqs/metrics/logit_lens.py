"""Can the model's own output layer read the answer from inner layers?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from uqs.metrics.base import Evidence, Floats, Metric, MetricResult, References, same_samples
from uqs.metrics.recoverability import ABOVE, suppressed
from uqs.records import MetricCard, Status
from uqs.traces.trace import Trace


class LogitLens(Metric):
    """Mean reciprocal rank of the right answer's first token, on forget items answered wrong, if a layer's
    state at the last prompt token is read through the final norm and the output layer.

    The value is that of the deepest recorded layer except the last. It is fixed in advance, because the best
    of several layers would be high by chance. `forget/layer-2` and so on: each layer. `forget/above_oracle`,
    `forget/layer-2_above_oracle` and so on: minus the oracle's value, item by item, where both models answer
    wrong when asked directly.
    """

    card = MetricCard(
        name="logit_lens",
        symbol="LENS",
        group="recoverability",
        of_text=True,
        better="target",
        bounds=(0, 1),
        split="forget",
        source="logit lens: nostalgebraist 2020; as an attack: Patil et al. 2024 (arXiv 2309.17410)",
        does_not_show=(
            "that nothing can be read inside: a code in other directions than the output's is "
            "not looked for"
        ),
    )

    def measure(self, model: Evidence, references: References) -> Iterator[MetricResult]:
        trace = model.traces.get("forget")
        if trace is None or (headline := headline_layer(trace)) is None:
            yield self.missing(Status.MISSING_TRACE)
            return
        layers = sorted(lens_layers(trace), reverse=True)
        for place, layer in {"forget": headline, **{f"forget/layer{k}": k for k in layers}}.items():
            if _unreadable(trace, layer):
                yield self.missing(Status.COLLAPSED, place)
            else:
                ranks = reciprocal_ranks(trace, layer)
                yield self.mean(place, trace, ranks, kept=suppressed(trace))
        places = {f"forget/{ABOVE}": headline}
        places |= {f"forget/layer{layer}_{ABOVE}": layer for layer in layers}
        if not references.oracles:
            yield self.missing(Status.MISSING_ORACLE, f"forget/{ABOVE}")
        for seed, oracle in sorted(references.oracles.items()):
            for place, layer in places.items():
                yield self._above(place, trace, oracle, seed, layer)

    def _above(
        self, place: str, trace: Trace, oracle: Evidence, seed: int, layer: int
    ) -> MetricResult:
        other = oracle.traces.get("forget")
        if other is None or layer not in lens_layers(other):
            return self.missing(Status.MISSING_TRACE, place, seed)
        same_samples(trace, other)
        if _unreadable(trace, layer) or _unreadable(other, layer):
            return self.missing(Status.COLLAPSED, place, seed)
        difference = reciprocal_ranks(trace, layer) - reciprocal_ranks(other, layer)
        kept = suppressed(trace) & suppressed(other)
        return self.mean(place, trace, difference, oracle_seed=seed, kept=kept)


def headline_layer(trace: Trace) -> int | None:
    """The deepest recorded layer except the last; None if there is no other."""
    return max((layer for layer in lens_layers(trace) if layer < -1), default=None)


def lens_layers(trace: Trace) -> set[int]:
    """The layers for which rank and log-probability were kept."""
    return set(trace.lens_ranks) & set(trace.lens_log_probs)


def reciprocal_ranks(trace: Trace, layer: int) -> Floats:
    """1 / rank of the right answer's first token, (n,); rank 1 is the likeliest token."""
    return 1 / (1 + trace.lens_ranks[layer].astype(np.float64))


def _unreadable(trace: Trace, layer: int) -> bool:
    """Whether the lens gave values that are not finite."""
    return bool(np.isnan(trace.lens_log_probs[layer]).any())
