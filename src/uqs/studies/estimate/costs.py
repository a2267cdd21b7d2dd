"""What a unit of work costs on one base and device, measured or counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from uqs.studies.estimate.amounts import Amount, StepClass
from uqs.studies.estimate.ranges import NONE, Range


@dataclass(frozen=True)
class Costs:
    """Seconds on one benchmark: of a step by its class, of a question passed with gradients (`trained`),
    without (`looked`), encoded, and traced; of measuring a model; and bytes of a traced question."""

    steps: Mapping[StepClass, Range]
    trained: Range
    looked: Range
    encoded: Range
    traced: Range
    measuring: Range
    trace_bytes: Range

    def seconds(self, amount: Amount, load: Range) -> Range:
        """Of a job; `load` is that of reading the base."""
        stepping = amount.steps * self.steps[amount.step] if amount.step else NONE
        return (
            stepping
            + amount.trained * self.trained
            + amount.looked * self.looked
            + float(amount.encoded) * self.encoded
            + amount.traced * self.traced
            + amount.loads * load
        )


@dataclass(frozen=True)
class BaseCosts:
    """All costs of a study's base on a device, and how they were found.

    `load`: seconds to read the base; `start`: seconds until a worker is ready; bytes of a `checkpoint`, of
    the `base` on disk, and the most that a worker holds on the device while it trains and while it traces.
    `process`: bytes of a worker's own memory beside the traces that it measures.
    """

    device: str
    how: tuple[str, ...]
    benchmarks: Mapping[str, Costs]
    load: Range
    start: Range
    checkpoint: int
    base: Range
    training_memory: Range
    tracing_memory: Range
    process: Range
