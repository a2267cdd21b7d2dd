"""Distance to the oracle's weights, averaged over layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from typing import NamedTuple

import numpy as np

from uqs.metrics.base import Evidence, Floats, MetricResult, OracleMetric
from uqs.records import Measurement, MetricCard, Need, Status


class OracleDistance(OracleMetric):
    """Mean over layers of ||dW - dW*|| / ||dW*||, Frobenius norms of effective updates.

    dW is what a checkpoint adds to the base's weight: (alpha/r) BA for LoRA. The factors A and B alone do not
    work, because they can change while BA stays. Layers that the oracle did not change have no such ratio
    and are left out: n = the other layers, `too_few` if there are none. The value is exact, not an average
    over a sample: no standard error. `collapsed` if a weight is not finite.
    """

    card = MetricCard(
        name="oracle_distance",
        symbol="oracle_distance",
        group="distance",
        better="lower",
        bounds=(0, inf),
        split="weights",
        needs=frozenset({Need.ORACLE, Need.WEIGHTS}),
        source="relative effective LoRA update; later work of the authors of arXiv 2605.02206",
        does_not_show=(
            "that the model behaves as the oracle: a small change of weights can undo all "
            "forgetting"
        ),
    )

    def against(self, model: Evidence, oracle: Evidence, seed: int) -> Iterator[MetricResult]:
        if model.update is None or oracle.update is None:
            yield self.missing(Status.MISSING_TRACE, oracle_seed=seed)
            return
        layers = [one for one in norms(model.update, oracle.update) if one.oracle != 0]
        if not layers:
            yield self.missing(Status.TOO_FEW, oracle_seed=seed)
        elif not np.isfinite(layers).all():
            yield self.missing(Status.COLLAPSED, oracle_seed=seed)
        else:
            mean = float(np.mean([one.apart / one.oracle for one in layers]))
            yield MetricResult(
                Measurement(self.card.symbol, self.card.split, mean, None, len(layers)), seed
            )


class LayerNorms(NamedTuple):
    """Frobenius norms in one layer: of the difference of two updates, and of the oracle's update."""

    apart: float
    oracle: float


def norms(model: Mapping[str, Floats], oracle: Mapping[str, Floats]) -> Iterator[LayerNorms]:
    """The norms, layer by layer; only one layer is in memory at a time.

    Raises ValueError if the updates have different layers or shapes.
    """
    if set(model) != set(oracle):
        raise ValueError("the checkpoints change different layers")
    for layer in oracle:
        ours, wanted = model[layer], oracle[layer]
        if ours.shape != wanted.shape:
            raise ValueError(
                f"layer {layer!r}: update shapes differ: {ours.shape} and {wanted.shape}"
            )
        yield LayerNorms(float(np.linalg.norm(ours - wanted)), float(np.linalg.norm(wanted)))
