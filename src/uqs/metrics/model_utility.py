"""Model utility: one number for what a model still does with what it should keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from uqs.judging.rouge import readable, rouge_l
from uqs.metrics.base import Evidence, Floats, Metric, MetricResult, References
from uqs.metrics.resampled import jackknife_error
from uqs.metrics.truth_ratio import log_ratios, truth_preferred
from uqs.records import Measurement, MetricCard, Need, Status
from uqs.traces.trace import Trace

ALL = "retain/with_real_world"


class ModelUtility(Metric):
    """Harmonic mean of three means over the retain questions: probability of the right answer, ROUGE-L recall
    and truth ratio, max(0, 1 - R).

    As TOFU reports it, who also takes real authors and world facts: the row `real_world`, and
    `retain/with_real_world` over the means of both, where they are traced. Differences: TOFU divides the
    probability of a real-world answer by that of all candidates, and R is that of `truth_ratio`. A mean that
    a split lacks (open questions for ROUGE, wrong answers for R) is left out, and n counts the questions. The
    standard error is a jackknife over entities. `collapsed` if a mean is not finite.
    """

    card = MetricCard(
        name="model_utility",
        symbol="MU",
        group="accuracy",
        of_text=True,
        better="higher",
        bounds=(0, 1),
        split="retain",
        needs=frozenset({Need.CANDIDATES}),
        source="TOFU: Maini et al. 2024 (arXiv 2401.06121), locuslab/tofu, aggregate_eval_stat.py",
        does_not_show=(
            "that nothing else was harmed: only retain and real-world questions count, and gains in one mean "
            "hide losses in another"
        ),
    )

    def measure(self, model: Evidence, references: References) -> Iterator[MetricResult]:
        if "retain" not in model.traces:
            yield self.missing(Status.MISSING_TRACE)
            return
        retain = parts(model.traces["retain"])
        yield self._row("retain", retain)
        if "real_world" in model.traces:
            world = parts(model.traces["real_world"])
            yield self._row("real_world", world)
            yield self._row(ALL, [*retain, *world])

    def _row(self, place: str, found: Sequence[Part]) -> MetricResult:
        from scipy.stats import hmean  # slow to load, and a card does not need it

        means = np.array([part.values.mean() for part in found])
        if not np.isfinite(means).all():
            return self.missing(Status.COLLAPSED, place)
        entities = sorted({entity for part in found for entity in part.entities})
        left_out = np.array([hmean(_without(found, entity)) for entity in entities])
        n = sum(len(part.values) for part in found if part.name == "probability")
        return MetricResult(
            Measurement(self.card.symbol, place, float(hmean(means)), jackknife_error(left_out), n)
        )


class Part(NamedTuple):
    """One of the means: its values (n,) and the entities they are about."""

    name: str
    values: Floats
    entities: tuple[str, ...]


def parts(trace: Trace) -> list[Part]:
    """The means that a trace allows."""
    open_questions = [
        i
        for i, (task, gold) in enumerate(zip(trace.tasks, trace.golds, strict=True))
        if task != "classification" and readable(gold)
    ]
    recalls = [rouge_l(trace.answers[i], trace.golds[i]).recall for i in open_questions]
    compared = [i for i, some in enumerate(trace.candidates) if some]
    return [
        Part(name, np.asarray(values, dtype=np.float64), tuple(trace.entities[i] for i in kept))
        for name, values, kept in (
            ("probability", np.exp(-trace.gold_losses()), range(len(trace))),
            ("recall", recalls, open_questions),
            ("truth", truth_preferred(log_ratios(trace))[compared], compared),
        )
        if kept
    ]


def _without(found: Sequence[Part], entity: str) -> list[float]:
    """The means without one entity; NaN where nothing is left."""
    kept = [(part.values, np.array(part.entities) != entity) for part in found]
    return [float(values[those].mean()) if those.any() else np.nan for values, those in kept]
