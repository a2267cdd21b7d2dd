"""A number that is known between two bounds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

FROM_ONE = 0.2
"""A single timing is taken to be right within this share."""


@dataclass(frozen=True)
class Range:
    """From `low` to `high`."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise ValueError(f"{self.low} to {self.high} is no range of numbers")
        if self.low > self.high:
            raise ValueError(f"{self.low} is above {self.high}")

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)

    def __mul__(self, other: Range | float) -> Range:
        """The product of numbers that are not negative."""
        by = other if isinstance(other, Range) else Range(other, other)
        return Range(self.low * by.low, self.high * by.high)

    __rmul__ = __mul__

    def over(self, other: Range) -> Range:
        """The quotient of positive numbers."""
        return Range(self.low / other.high, self.high / other.low)

    @classmethod
    def exactly(cls, value: float) -> Range:
        return cls(value, value)

    @classmethod
    def timed(cls, values: Sequence[float]) -> Range:
        """The mean of timings and two standard errors around it, of one timing a fixed share."""
        mean = fmean(values)
        if len(values) == 1:
            return cls((1 - FROM_ONE) * mean, (1 + FROM_ONE) * mean)
        error = 2 * stdev(values) / math.sqrt(len(values))
        return cls(max(0.0, mean - error), mean + error)


NONE = Range(0.0, 0.0)


def total(ranges: Iterable[Range]) -> Range:
    """The sum; of nothing, 0."""
    return sum(ranges, NONE)


def largest(ranges: Iterable[Range]) -> Range:
    """Bounds of the largest; of nothing, 0."""
    found = [NONE, *ranges]
    return Range(max(one.low for one in found), max(one.high for one in found))
