"""Does training on some of the forgotten entities bring back the others?"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from uqs.metrics.base import Evidence, Floats, Metric, MetricResult, References, same_samples
from uqs.metrics.recoverability import ABOVE, right_after
from uqs.records import MetricCard, Need, Status
from uqs.traces.judged import right_answers
from uqs.traces.trace import Trace

_STEPS = re.compile(r"relearn_(\d+)")


class RelearningRecovery(Metric):
    """Gain of accuracy on one half of the forgotten entities after a few training steps on the other half.

    The value is the gain after the most steps; `forget/step10` and so on give the curve. The finding is
    `forget/above_oracle`: the gain minus the oracle's gain, item by item. The same training teaches the
    oracle the kind of question and the frequent answers. `collapsed` if the training broke the model.
    """

    card = MetricCard(
        name="relearning_recovery",
        symbol="RELEARN",
        group="recoverability",
        of_text=True,
        better="target",
        bounds=(-1, 1),
        split="forget",
        needs=frozenset({Need.INTERVENTIONS}),
        source="Deeb, Roger 2024 (arXiv 2410.08827); Hu et al. 2024 (arXiv 2406.13356)",
        does_not_show=(
            "that anything was forgotten: a model that still answers everything has nothing "
            "left to relearn"
        ),
    )

    def measure(self, model: Evidence, references: References) -> Iterator[MetricResult]:
        curve = relearnt(model)
        if not curve:
            yield self.missing(Status.MISSING_TRACE)
            return
        before, last = model.traces["forget"], max(curve)
        yield self.mean("forget", curve[last], gain(before, curve[last]))
        for step, after in sorted(curve.items()):
            yield self.mean(f"forget/step{step}", after, gain(before, after))
        if not references.oracles:
            yield self.missing(Status.MISSING_ORACLE, f"forget/{ABOVE}")
        for seed, oracle in sorted(references.oracles.items()):
            yield self._above(before, curve[last], oracle, seed, last)

    def _above(
        self, before: Trace, after: Trace, oracle: Evidence, seed: int, step: int
    ) -> MetricResult:
        theirs = relearnt(oracle).get(step)
        if theirs is None:
            return self.missing(Status.MISSING_TRACE, f"forget/{ABOVE}", seed)
        same_samples(after, theirs)
        difference = gain(before, after) - gain(oracle.traces["forget"], theirs)
        return self.mean(f"forget/{ABOVE}", after, difference, oracle_seed=seed)


def relearnt(model: Evidence) -> dict[int, Trace]:
    """Traces of the forget questions that were not trained on, by number of training steps, without 0. Empty
    if there are none, or if the trace before training is missing."""
    if "forget" not in model.traces:
        return {}
    found = {
        int(steps.group(1)): traces["forget"]
        for name, traces in model.interventions.items()
        if (steps := _STEPS.fullmatch(name)) and "forget" in traces
    }
    return {step: trace for step, trace in found.items() if step > 0}


def gain(before: Trace, after: Trace) -> Floats:
    """Right after minus right before, for each sample of `after`, (n,); NaN if training broke the model.
    Raises KeyError if `before` lacks a sample."""
    right = dict(zip(before.ids, right_answers(before).tolist(), strict=True))
    earlier = np.array([right[item] for item in after.ids], dtype=np.float64)
    return np.asarray(right_after(after, before) - earlier, dtype=np.float64)
