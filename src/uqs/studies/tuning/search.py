"""Which values of a hyperparameter are tried, so that every method has as many trials as any other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from uqs.methods.cards.card import TunedHyperparameter

COARSE = 4
"""Values of the first round: evenly spaced over the tuned hyperparameter's range on a log scale."""
TOLERANCE = 0.15
"""How far from its target a strength may lie: half the way between two of the default targets."""
ROUNDING = 1e-9


class TrialResult(NamedTuple):
    """What one value gave, by benchmark: forget and retain accuracy on the validation part, of the
    original's knowledge of it; None where a model collapsed."""

    forget: Mapping[str, float | None]
    retain: Mapping[str, float | None]

    @property
    def mean_forget(self) -> float:
        """Mean forget accuracy; a collapsed model counts as one that knows nothing."""
        return math.fsum(value or 0.0 for value in self.forget.values()) / len(self.forget)

    @property
    def mean_retain(self) -> float:
        """Mean retain accuracy, likewise."""
        return math.fsum(value or 0.0 for value in self.retain.values()) / len(self.retain)

    def distance(self, target: float) -> float:
        """Mean over benchmarks of |forget accuracy - target|; infinite where a model collapsed."""
        if None in self.forget.values():
            return math.inf
        return math.fsum(abs((v or 0.0) - target) for v in self.forget.values()) / len(self.forget)


def first_round(tuned_hyperparameter: TunedHyperparameter, trials: int) -> list[float]:
    """The values that every search begins with."""
    count = min(COARSE, trials)
    ratio = tuned_hyperparameter.high / tuned_hyperparameter.low
    return [
        rounded(tuned_hyperparameter.low * ratio ** (k / max(1, count - 1))) for k in range(count)
    ]


def next_round(
    tried: Mapping[float, TrialResult], targets: Sequence[float], trials: int
) -> list[float]:
    """Up to one further value for each target, within `trials` in all; empty when the budget is spent.

    A target that lies between the forget accuracies of two neighbours gets a value between them, by
    interpolation; another one a value beside the nearest. What is left of the budget halves the widest gap.
    """
    found: list[float] = []
    room = trials - len(tried)
    for value in [*(_towards(tried, target) for target in targets), *_gaps(tried)]:
        if len(found) == min(room, len(targets)):
            break
        if value not in tried and value not in found:
            found.append(value)
    return found


def nearest(tried: Mapping[float, TrialResult], target: float) -> float | None:
    """The value nearest to the target; among equals that which keeps more of retain, then the smaller.

    None where every trial collapsed.
    """
    chosen = min(tried, key=lambda v: (tried[v].distance(target), -tried[v].mean_retain, v))
    return None if math.isinf(tried[chosen].distance(target)) else chosen


def best(tried: Mapping[float, TrialResult], target: float, tolerance: float) -> float | None:
    """The nearest value, where it is within `tolerance` of the target; None where the target was missed."""
    value = nearest(tried, target)
    if value is None or tried[value].distance(target) > tolerance + ROUNDING:
        return None
    return value


def rounded(value: float) -> float:
    """Three significant digits: what a study file is written with."""
    return float(f"{value:.3g}")


def _towards(tried: Mapping[float, TrialResult], target: float) -> float:
    ordered = sorted(tried)
    for low, high in pairwise(ordered):
        first, second = tried[low].mean_forget, tried[high].mean_forget
        if min(first, second) <= target <= max(first, second) and first != second:
            share = min(max((first - target) / (first - second), 0.2), 0.8)
            return rounded(low * (high / low) ** share)
    nearest = min(ordered, key=lambda v: (abs(tried[v].mean_forget - target), v))
    place = ordered.index(nearest)
    neighbour = ordered[place + 1] if place + 1 < len(ordered) else ordered[place - 1]
    return rounded(math.sqrt(nearest * neighbour))


def _gaps(tried: Mapping[float, TrialResult]) -> Iterator[float]:
    """Middles of the gaps between the values, the widest first."""
    gaps = sorted(pairwise(sorted(tried)), key=lambda pair: (-pair[1] / pair[0], pair))
    yield from (rounded(math.sqrt(low * high)) for low, high in gaps)
