"""Does rounding the weights bring answers back?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from uqs.metrics.base import Evidence, MetricResult, References, same_samples
from uqs.metrics.recoverability import RecoveryMetric, RecoveryOutcome, right_after, suppressed
from uqs.records import MetricCard, Need, Status
from uqs.traces.trace import Trace

SCHEMES = ("int8", "int4", "nf4")
HEADLINE = "int4"


class QuantisationRecovery(RecoveryMetric):
    """Share of the forget items answered wrong that are answered correctly once the weights have 4 bits.

    Rows `forget/int8`, `forget/int4` and `forget/nf4` for each traced format; `forget/above_oracle`, the
    finding, is for 4 bits too. `collapsed` if rounding broke the model.
    """

    card = MetricCard(
        name="quantisation_recovery",
        symbol="QUANT",
        group="recoverability",
        of_text=True,
        better="target",
        bounds=(0, 1),
        split="forget",
        needs=frozenset({Need.INTERVENTIONS}),
        source="Zhang et al. 2024 (arXiv 2410.16454)",
        does_not_show=(
            "that the knowledge is gone: another question may bring out what coarser weights "
            "leave hidden"
        ),
    )

    def measure(self, model: Evidence, references: References) -> Iterator[MetricResult]:
        trace = model.traces.get("forget")
        ways = {} if trace is None else _recovered(model, trace, SCHEMES)
        if trace is None or HEADLINE not in ways:
            yield self.missing(Status.MISSING_TRACE)
        if trace is None:
            return
        gone = suppressed(trace)
        if HEADLINE in ways:
            yield self.mean("forget", trace, ways[HEADLINE].values, kept=gone)
        for scheme, way in ways.items():
            yield self.mean(f"forget/{scheme}", trace, way.values, kept=gone)
        if HEADLINE in ways:
            yield from self.above(model, references, _headline)


def _headline(model: Evidence, trace: Trace) -> dict[str, RecoveryOutcome]:
    return _recovered(model, trace, (HEADLINE,))


def _recovered(
    model: Evidence, trace: Trace, schemes: tuple[str, ...]
) -> dict[str, RecoveryOutcome]:
    found = {}
    for scheme in schemes:
        made = model.interventions.get(scheme, {}).get("forget")
        if made is not None:
            same_samples(trace, made)
            found[scheme] = RecoveryOutcome(
                right_after(made, trace), np.ones(len(trace), dtype=bool)
            )
    return found
