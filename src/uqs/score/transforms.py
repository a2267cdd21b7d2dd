"""How a metric's value becomes a term of UQS: all transforms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from uqs.records import Status
from uqs.results.panel import Panel
from uqs.stats.noise import noise_floor, pair_differences

FloatArray = NDArray[np.float64]
Form = Literal["published", "calibrated"]
Group = Literal["privacy", "utility", "oracle"]
Term = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Transform:
    """The two forms of one metric.

    `published` maps values to [0, 1], higher is better; `formula` describes it. For the calibrated form,
    `gap` is the shortfall from the oracle, a function of the values and the oracle's own value. `anchor` says
    whose gap scores 0: the original model's, or that of the worst value (0) for a metric at which the
    original is as good as a model can be.
    """

    group: Group
    formula: str
    published: Term
    gap: Callable[[FloatArray, float], FloatArray]
    anchor: Literal["original", "worst"] = "original"
    compares: bool = False
    """Whether the metric is itself a distance to the oracle."""


def _away(values: FloatArray, oracle: float) -> FloatArray:
    return np.abs(values - oracle)


def _below(values: FloatArray, oracle: float) -> FloatArray:
    return np.maximum(oracle - values, 0.0)


def _as_it_is(values: FloatArray, _: float) -> FloatArray:
    return values


TRANSFORMS: Mapping[str, Transform] = {
    "FA": Transform("privacy", "1 - FA", lambda x: 1 - x, _away),
    "RA": Transform("utility", "RA", lambda x: x, _below, anchor="worst"),
    "MIA": Transform("privacy", "1 - MIA", lambda x: 1 - x, _away),
    "AD": Transform("oracle", "1 / (1 + AD)", lambda x: 1 / (1 + x), _as_it_is, compares=True),
    "JS": Transform("oracle", "1 - JS", lambda x: 1 - x, _as_it_is, compares=True),
}
"""The published form is that of Khan, Laga, Sohel 2026 (arXiv 2605.02206)."""


@dataclass(frozen=True)
class Scale:
    """The calibrated form on one benchmark: gap `zero` scores 0, gap `one` or less scores 1."""

    gap: Callable[[FloatArray, float], FloatArray]
    oracle: float
    zero: float
    one: float

    def __call__(self, values: FloatArray) -> FloatArray:
        return np.clip((self.zero - self.gap(values, self.oracle)) / (self.zero - self.one), 0, 1)


def calibrate(panel: Panel, benchmark: str, metric: str) -> Scale | Status:
    """The scale from 0 (no better than the original) to 1 (within the oracle's noise floor).

    The floor is the mean oracle-to-oracle value (AD, JS) or the mean difference between the own values of
    two oracles (FA, RA, MIA). RA scores 0 at RA = 0 instead, because the original is already good at it.

    Returns `missing_oracle` if the table lacks the original, the oracles or the floor (two oracles are
    needed), and `no_scale` if the original is itself within the floor.
    """
    transform, key = TRANSFORMS[metric], (benchmark, metric)
    originals = panel.originals.get(key, np.array([]))
    oracles = panel.oracles.get(key, np.array([]))
    if transform.compares:
        oracle = 0.0
        floor = noise_floor(panel.floors.get(key, np.array([])))
    else:
        oracle = float(oracles.mean()) if len(oracles) else 0.0
        floor = noise_floor(pair_differences(oracles))
    if floor is None or (transform.anchor == "original" and not len(originals)):
        return Status.MISSING_ORACLE
    start = originals.mean() if transform.anchor == "original" else 0.0
    zero = float(transform.gap(np.array([start]), oracle)[0])
    return Scale(transform.gap, oracle, zero, floor) if zero > floor else Status.NO_SCALE
