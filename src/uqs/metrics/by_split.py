"""Base class for metrics that average per-sample values."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from uqs.metrics.base import Evidence, Floats, Metric, MetricResult, References
from uqs.records import Status
from uqs.traces.trace import Trace

Mask = NDArray[np.bool_]


class SplitMetric(Metric):
    """The mean over samples on the headline split, and on each traced split in `also`."""

    also: ClassVar[tuple[str, ...]]

    def measure(self, model: Evidence, references: References) -> Iterator[MetricResult]:
        if self.card.split not in model.traces:
            yield self.missing(Status.MISSING_TRACE)
        for split in (self.card.split, *self.also):
            if split in model.traces:
                yield from self.rows(split, model.traces[split])

    def rows(self, split: str, trace: Trace) -> Iterator[MetricResult]:
        """The rows of one split; `too_few` if the metric applies to none of its samples."""
        yield self.mean(split, trace, self.values(trace), kept=self.kept(trace))

    @abstractmethod
    def values(self, trace: Trace) -> Floats:
        """One value per sample, (n,); arbitrary where the sample is not `kept`."""

    def kept(self, trace: Trace) -> Mask:
        """Which samples have a value, (n,); all by default."""
        return np.ones(len(trace), dtype=bool)


def parts(trace: Trace) -> Iterator[tuple[str, Mask]]:
    """The parts of a split, each with a mask of its samples, (n,): by task, and by whether a picture was
    shown (`pictured`, `text_only`). A division with only one part is left out.
    """
    modalities = ["pictured" if shown else "text_only" for shown in trace.pictured]
    for kinds in (trace.tasks, modalities):
        yield from _divided(kinds)


def _divided(kinds: Sequence[str]) -> Iterator[tuple[str, Mask]]:
    names = sorted(set(kinds))
    if len(names) > 1:
        for name in names:
            yield name, np.asarray(kinds) == name
