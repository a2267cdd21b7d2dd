"""All metrics of one model, with the status `collapsed` where it no longer works."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from uqs.metrics.base import Evidence, Measured, References
from uqs.metrics.catalogue import metric_class
from uqs.metrics.collapse import collapsed
from uqs.records import Status


class Problem(NamedTuple):
    """A metric that could not be computed, and the error."""

    metric: str
    error: Exception


def measured(
    names: Sequence[str], model: Evidence, references: References, dead: bool = False
) -> Iterator[Measured | Problem]:
    """Every row of the named metrics; a metric that fails costs no other its rows.

    A model that is collapsed has values of the health metrics alone: the others would praise it for what it
    cannot say. So has one that is known to be `dead`, because its training collapsed.
    """
    dead = dead or collapsed(model.traces)
    finite = all(trace.finite for trace in model.traces.values())
    for name in names:
        metric = metric_class(name)()
        if dead and not (finite and metric.card.group == "health"):
            yield metric.missing(Status.COLLAPSED)
            continue
        try:
            yield from list(metric.measure(model, references))
        except Exception as error:
            yield Problem(name, error)
