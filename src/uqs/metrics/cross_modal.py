"""Facts that a model tells when asked in one form and not when asked in another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from uqs.forms import asked
from uqs.metrics.base import Evidence, Metric, MetricResult, References
from uqs.records import MetricCard, Status
from uqs.traces.judged import right_answers
from uqs.traces.trace import Trace


class CrossModalDisagreement(Metric):
    """Share of forget facts that are told by picture alone or by name alone, but not in both ways.

    Each fact counts once; it is told if the greedy answer is right. What UMU-Bench reports as the facts that
    are right in both ways and wrong in both ways are the rest. Its two parts: `forget/by_text_alone`,
    forgotten by picture and still told by name, and `forget/by_picture_alone`. Clustered by entity; n counts
    facts. `too_few` where no fact is asked in both forms: the benchmark's questions must say their form
    (uqs.forms), as those of umu_bench do, and those of mllmu_bench with `forget_by`.
    """

    card = MetricCard(
        name="cross_modal_disagreement",
        symbol="CMD",
        group="accuracy",
        better="lower",
        bounds=(0, 1),
        split="forget",
        source="UMU-Bench: Wang et al. 2025 (NeurIPS), QDRhhhh/UMU-bench, eval.py",
        does_not_show="that anything was forgotten: a model that tells every fact in both ways has 0",
    )

    def measure(self, model: Evidence, references: References) -> Iterator[MetricResult]:
        split = self.card.split
        if split not in model.traces:
            yield self.missing(Status.MISSING_TRACE)
            return
        trace = model.traces[split]
        pictured, named = _both_ways(trace)
        if not pictured:
            yield self.missing(Status.TOO_FEW)
            return
        right = right_answers(trace)
        by_picture, by_text = right[pictured], right[named]
        facts = trace.take(pictured)
        for place, told in (
            (split, by_picture != by_text),
            (f"{split}/by_text_alone", by_text > by_picture),
            (f"{split}/by_picture_alone", by_picture > by_text),
        ):
            yield self.mean(place, facts, told.astype(np.float64))


def _both_ways(trace: Trace) -> tuple[list[int], list[int]]:
    """Where a trace has the facts that are asked by picture and by name: in the one form, in the other."""
    places: dict[tuple[str, str], int] = {}
    for at, sample in enumerate(trace.ids):
        if (found := asked(sample)) is not None:
            places[found.fact, found.form] = at
    facts = [fact for fact, form in places if form == "picture" and (fact, "text") in places]
    return [places[fact, "picture"] for fact in facts], [places[fact, "text"] for fact in facts]
