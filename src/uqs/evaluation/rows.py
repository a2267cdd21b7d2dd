"""All metrics of one model, with a status in place of each value that would mean something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from uqs.metrics.base import Evidence, Metric, MetricResult, References
from uqs.metrics.baseline import WeakSplit, rests_on, weak
from uqs.metrics.catalogue import metric_class
from uqs.metrics.collapse import collapsed
from uqs.metrics.known_holdout import knows_holdout
from uqs.records import TRAINED, VALUED, Need, Role, Status

ON_RIGHT_ANSWERS = frozenset({"FA", "RA", "KR", "KR_IMP", "RELEARN", "QUANT"})
"""The symbols of the metrics that count answers which are right."""


class Problem(NamedTuple):
    """A metric that could not be computed, and the error."""

    metric: str
    error: Exception


@dataclass(frozen=True)
class _Trust:
    """What rules values out: that the model knows holdout, that oracles (by seed) do, where the original is
    no baseline."""

    knows_holdout: bool
    knowing_oracles: frozenset[int]
    weak: Mapping[str, WeakSplit]


def measured(
    names: Sequence[str],
    model: Evidence,
    references: References,
    dead: bool = False,
    role: Role = Role.UNLEARNED,
) -> Iterator[MetricResult | Problem]:
    """Every row of the named metrics; a metric that fails costs no other its rows.

    A model that is collapsed has values of the health metrics alone: the others would praise it for what it
    cannot say. So has one that is known to be `dead`, because its training collapsed. Where the model
    answers holdout like retain (`knows_holdout`), what is measured against holdout has the status
    `known_holdout`; so have the rows against an oracle that does. Where the original answers under half of
    what it was taught (`weak`), what counts right answers there has the status `weak_original`, but for rows
    of models that were trained like it.
    """
    dead = dead or collapsed(model.traces)
    finite = all(trace.finite for trace in model.traces.values())
    trust = _trust(model, references, role)
    for name in names:
        metric = metric_class(name)()
        if dead and not (finite and metric.card.group == "health"):
            yield metric.missing(Status.COLLAPSED)
            continue
        try:
            yield from list(_rows(metric, model, references, trust))
        except Exception as error:
            yield Problem(name, error)


def _trust(model: Evidence, references: References, role: Role) -> _Trust:
    original = None if role in TRAINED else references.original
    return _Trust(
        knows_holdout(model.traces),
        frozenset(
            seed for seed, oracle in references.oracles.items() if knows_holdout(oracle.traces)
        ),
        weak(original.traces) if original is not None else {},
    )


def _rows(
    metric: Metric, model: Evidence, references: References, trust: _Trust
) -> Iterator[MetricResult]:
    if metric.card.group == "membership":  # forget against holdout
        yield from _against_holdout(metric, model, references, trust)
        return
    for found in metric.measure(model, references):
        if metric.card.symbol in ON_RIGHT_ANSWERS and rests_on(found.measurement.split, trust.weak):
            yield _without_value(found, Status.WEAK_ORIGINAL)
        else:
            yield found


def _against_holdout(
    metric: Metric, model: Evidence, references: References, trust: _Trust
) -> Iterator[MetricResult]:
    if trust.knows_holdout:
        yield metric.missing(Status.KNOWN_HOLDOUT)
        return
    if Need.ORACLE not in metric.card.needs or not trust.knowing_oracles:
        yield from metric.measure(model, references)
        return
    for seed in sorted(trust.knowing_oracles):
        yield metric.missing(Status.KNOWN_HOLDOUT, oracle_seed=seed)
    sound = {s: o for s, o in references.oracles.items() if s not in trust.knowing_oracles}
    if sound:
        yield from metric.measure(model, replace(references, oracles=sound))


def _without_value(found: MetricResult, status: Status) -> MetricResult:
    """The row with a status in place of its value; one that has no value keeps its own."""
    if found.measurement.status not in VALUED:
        return found
    emptied = replace(found.measurement, value=None, se=None, bound=None, status=status)
    return MetricResult(emptied, found.oracle_seed)
