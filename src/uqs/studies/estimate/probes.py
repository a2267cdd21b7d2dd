"""What is tried of a base, and what came of it: sent between processes, so without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from uqs.records import Sample
from uqs.studies.estimate.amounts import StepClass
from uqs.studies.estimate.costs import Costs
from uqs.studies.estimate.ranges import Range


@dataclass(frozen=True)
class Probe:
    """What of a benchmark is tried: questions to train on, to replay and to trace by split (`asked`, of
    `sizes` in full), classes of steps, and the seconds that each timing may take."""

    learn: tuple[Sample, ...]
    replay: tuple[Sample, ...]
    asked: Mapping[str, tuple[Sample, ...]]
    sizes: Mapping[str, int]
    steps: tuple[StepClass, ...]
    seconds: float


@dataclass(frozen=True)
class Probed:
    """Costs by benchmark; seconds to load the base and until a worker is ready; bytes of a checkpoint; bytes
    held on the device at the most, after training and at the end, and by the process."""

    costs: Mapping[str, Costs]
    load: Range
    start: Range
    checkpoint: int
    training_peak: int
    tracing_peak: int
    process_peak: int
