"""All metrics of one model; a misleading value is replaced by a status."""

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
from uqs.traces.judged import judge

ON_RIGHT_ANSWERS = frozenset({"FA", "RA", "KR", "KR_IMP", "RELEARN", "QUANT", "CMD"})
"""The symbols of the metrics that count correct answers."""
BOTH_WAYS = {"CMD": ("forget/pictured", "forget/text_only")}
"""The places that a metric compares: a weak one takes its value."""


class Problem(NamedTuple):
    """A metric that could not be computed, and the error."""

    metric: str
    error: Exception


@dataclass(frozen=True)
class _Trust:
    """Reasons for removing values: the model knows holdout, oracles (by seed) know it, or the places where
    the original cannot be a baseline."""

    knows_holdout: bool
    knowing_oracles: frozenset[int]
    weak: Mapping[str, WeakSplit]


def measured(
    names: Sequence[str],
    model: Evidence,
    references: References,
    dead: bool = False,
    role: Role = Role.UNLEARNED,
    generalises: bool = False,
) -> Iterator[MetricResult | Problem]:
    """Every row of the named metrics; a failing metric does not affect the others.

    A collapsed model has values only for the health metrics: the others would praise it for what it cannot
    say. The same holds for a `dead` model, whose training collapsed. If the model answers holdout like retain
    (`knows_holdout`), measurements against holdout have the status `known_holdout`; so have rows against an
    oracle that does; not where a benchmark `generalises`, and holdout is known without having been seen. If
    the original answers less than half of what it was taught in some place (`weak`), metrics that count
    correct answers there have the status `weak_original`, except for models that were trained like the
    original.
    """
    dead = dead or collapsed(model.traces)
    finite = all(trace.finite for trace in model.traces.values())
    trust = _trust(model, references, role, generalises)
    for name in names:
        metric = metric_class(name)()
        if dead and not (finite and metric.card.group == "health"):
            yield metric.missing(Status.COLLAPSED)
            continue
        try:
            yield from list(_rows(metric, model, references, trust))
        except Exception as error:
            yield Problem(name, error)


def _trust(model: Evidence, references: References, role: Role, generalises: bool) -> _Trust:
    original = None if role in TRAINED else references.original
    return _Trust(
        not generalises and knows_holdout(model.traces),
        frozenset(
            seed
            for seed, oracle in references.oracles.items()
            if not generalises and knows_holdout(oracle.traces)
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
        found = _with_judge(found, model)
        symbol = metric.card.symbol
        places = (found.measurement.split, *BOTH_WAYS.get(symbol, ()))
        if symbol in ON_RIGHT_ANSWERS and any(rests_on(place, trust.weak) for place in places):
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
    """The row with a status instead of its value; a row without value keeps its own status."""
    if found.measurement.status not in VALUED:
        return found
    emptied = replace(found.measurement, value=None, se=None, bound=None, status=status)
    return MetricResult(emptied, found.oracle_seed, judge=found.judge)


def _with_judge(found: MetricResult, model: Evidence) -> MetricResult:
    """The row with the rules by which answers counted as right, for a metric that counts them."""
    of = found.measurement
    trace = model.traces.get(of.split.partition("/")[0])
    if found.judge is not None or of.metric not in ON_RIGHT_ANSWERS or trace is None:
        return found
    return replace(found, judge=judge(trace))
