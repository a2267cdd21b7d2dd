"""What metrics share that are the mean of a number of each sample."""

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
    """The mean over samples on the headline split and on those splits of `also` that were traced."""

    also: ClassVar[tuple[str, ...]]

    def measure(self, model: Evidence, references: References) -> Iterator[MetricResult]:
        if self.card.split not in model.traces:
            yield self.missing(Status.MISSING_TRACE)
        for split in (self.card.split, *self.also):
            if split in model.traces:
                yield from self.rows(split, model.traces[split])

    def rows(self, split: str, trace: Trace) -> Iterator[MetricResult]:
        """The rows of one split; `too_few` where it has no sample of the metric's kind."""
        yield self.mean(split, trace, self.values(trace), kept=self.kept(trace))

    @abstractmethod
    def values(self, trace: Trace) -> Floats:
        """The number of each sample, (n,); anything where it is not `kept`."""

    def kept(self, trace: Trace) -> Mask:
        """Which samples have such a number, (n,); by default all."""
        return np.ones(len(trace), dtype=bool)


def parts(trace: Trace) -> Iterator[tuple[str, Mask]]:
    """The parts of a split with which of its samples, (n,), are theirs: by task, and by whether a picture
    was shown (`pictured`, `text_only`). A division that leaves all samples together is left out.
    """
    modalities = ["pictured" if shown else "text_only" for shown in trace.pictured]
    for kinds in (trace.tasks, modalities):
        yield from _divided(kinds)


def _divided(kinds: Sequence[str]) -> Iterator[tuple[str, Mask]]:
    names = sorted(set(kinds))
    if len(names) > 1:
        for name in names:
            yield name, np.asarray(kinds) == name
