"""Base class for metrics that compare a model's trace with an oracle's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from uqs.metrics.base import Evidence, Floats, MetricResult, OracleMetric, same_samples
from uqs.records import Status
from uqs.traces.trace import FloatArray, Trace

LAYER = -2
"""The layer of the headline values: the last but one, as in arXiv 2605.02206."""
SPLIT, LAST_PROMPT = "forget", "last_prompt"
"""Headline activations are those at the last prompt token of the forget questions: along models of known
truth they follow what a model was taught, and those of the answer tokens do not (docs/ladder.md)."""


class Pair(NamedTuple):
    """The traces of two models on the same samples."""

    model: Trace
    oracle: Trace


def pair(model: Evidence, oracle: Evidence, split: str) -> Pair | None:
    """Both models' traces of a split; None if one is missing. Raises ValueError if samples differ."""
    if split not in model.traces or split not in oracle.traces:
        return None
    found = Pair(model.traces[split], oracle.traces[split])
    same_samples(*found)
    return found


class PairMetric(OracleMetric):
    """A metric with one value per sample of a pair of traces."""

    def row(
        self, split: str, trace: Trace, values: Floats, seed: int, bounds: Floats | None = None
    ) -> MetricResult:
        """The mean over samples; `collapsed` if it is not finite because a model's values are too extreme."""
        if not np.isfinite(values).all():
            return self.missing(Status.COLLAPSED, split, seed)
        return self.mean(split, trace, values, oracle_seed=seed, bounds=bounds)


class Place(NamedTuple):
    """Where activations are compared: the splits of the rows, and both models' activations (n, width)."""

    names: tuple[str, ...]
    model: FloatArray
    oracle: FloatArray

    def rows(self, found: MetricResult) -> Iterator[MetricResult]:
        """The result, once per name."""
        for name in self.names:
            yield replace(found, measurement=replace(found.measurement, split=name))


def activations(traces: Pair, split: str) -> Iterator[Place]:
    """Every layer kept for both models, averaged over the answer tokens (`layer-1`), and the headline layer
    at the last prompt token (`last_prompt`). The headline layer over the answer tokens, if kept, comes first
    and also gives the row of `split`: the published variant.
    """
    answers = [trace.answer_activations for trace in traces]
    prompts = [trace.prompt_activations for trace in traces]
    kept = [layer for layer in traces.model.layers if layer in answers[1]]
    for layer in sorted(kept, key=lambda layer: layer != LAYER):
        headline = (split,) if layer == LAYER else ()
        names = (*headline, f"{split}/layer{layer}")
        yield Place(names, answers[0][layer], answers[1][layer])
    if all(LAYER in prompt for prompt in prompts):
        yield Place((f"{split}/{LAST_PROMPT}",), prompts[0][LAYER], prompts[1][LAYER])
